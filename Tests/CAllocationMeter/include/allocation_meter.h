#pragma once
#include <stdbool.h>
#include <stdint.h>

// What the calling thread allocates, by the allocator's own account of each block; other threads do not disturb it.
// Blocks that one thread allocates and another frees are counted where they are allocated only.

// Whether this process is metered: with glibc, and without a sanitizer that has an allocator of its own.
bool allocation_meter_works(void);
// Begins anew on this thread.
void allocation_meter_reset(void);
// Bytes allocated since the reset and not freed, headers included; negative when older blocks were freed.
int64_t allocation_meter_live(void);
// The most that was live at any time since the reset.
int64_t allocation_meter_peak(void);
