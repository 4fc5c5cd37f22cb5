#include "allocation_meter.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#include <stddef.h>
#include <stdlib.h>

#if defined(__GLIBC__) && !defined(SANITIZED)
#include <malloc.h>

// glibc's own names of its allocator, so that the usual ones can be taken over.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static __thread int64_t live;
static __thread int64_t peak;

// A block's header lies before what can be used of it.
enum { header_bytes = 8 };

static void *taken(void *block) {
    if (block) {
        live += (int64_t)malloc_usable_size(block) + header_bytes;
        if (live > peak) peak = live;
    }
    return block;
}

static void given_back(void *block) {
    if (block) live -= (int64_t)malloc_usable_size(block) + header_bytes;
}

void *malloc(size_t size) { return taken(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) { return taken(__libc_calloc(count, size)); }

void *memalign(size_t alignment, size_t size) { return taken(__libc_memalign(alignment, size)); }

void *aligned_alloc(size_t alignment, size_t size) { return taken(__libc_memalign(alignment, size)); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    void *found = taken(__libc_memalign(alignment, size));
    if (!found) return 12;
    *block = found;
    return 0;
}

void free(void *block) {
    given_back(block);
    __libc_free(block);
}

void *realloc(void *block, size_t size) {
    given_back(block);
    void *found = __libc_realloc(block, size);
    // Where there is no room the old block stays.
    if (!found && size > 0) taken(block);
    return taken(found);
}

bool allocation_meter_works(void) { return true; }
#else
static __thread int64_t live;
static __thread int64_t peak;

bool allocation_meter_works(void) { return false; }
#endif

void allocation_meter_reset(void) { live = peak = 0; }
int64_t allocation_meter_live(void) { return live; }
int64_t allocation_meter_peak(void) { return peak; }
