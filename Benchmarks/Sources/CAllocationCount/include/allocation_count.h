#pragma once
#include <stdint.h>

// Allocations of this process so far; only programs that link this library count.
uint64_t allocation_count(void);
// Bytes that are allocated and not freed at this moment, by the allocator's account.
uint64_t allocation_live_bytes(void);
