#include <lmdb.h>
#include <sodium.h>
