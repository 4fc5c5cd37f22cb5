#pragma once
#include <stdint.h>

// Allocations of this process so far; only programs that link this library count.
uint64_t allocation_count(void);
