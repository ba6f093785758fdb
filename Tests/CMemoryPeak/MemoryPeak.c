#define _GNU_SOURCE
#include "CMemoryPeak.h"
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>

// glibc's own, under names that nobody replaces.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static atomic_size_t now, peak;

static void *count(void *memory) {
  if (memory) {
    size_t size = malloc_usable_size(memory);
    size_t total = atomic_fetch_add_explicit(&now, size, memory_order_relaxed) + size;
    size_t before = atomic_load_explicit(&peak, memory_order_relaxed);
    while (total > before && !atomic_compare_exchange_weak_explicit(
      &peak, &before, total, memory_order_relaxed, memory_order_relaxed)) {}
  }
  return memory;
}
static void discount(void *memory) {
  if (memory) atomic_fetch_sub_explicit(&now, malloc_usable_size(memory), memory_order_relaxed);
}

void *malloc(size_t size) { return count(__libc_malloc(size)); }
void *calloc(size_t items, size_t size) { return count(__libc_calloc(items, size)); }
void *realloc(void *memory, size_t size) {
  size_t before = memory ? malloc_usable_size(memory) : 0;
  void *result = __libc_realloc(memory, size);
  if (result || size == 0) atomic_fetch_sub_explicit(&now, before, memory_order_relaxed);
  return size == 0 ? result : count(result);
}
void free(void *memory) {
  discount(memory);
  __libc_free(memory);
}
void *memalign(size_t alignment, size_t size) { return count(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **result, size_t alignment, size_t size) {
  *result = memalign(alignment, size);
  return *result ? 0 : ENOMEM;
}

size_t memory_peak(void) { return atomic_load(&peak); }
size_t memory_now(void) { return atomic_load(&now); }
void memory_peak_reset(void) { atomic_store(&peak, atomic_load(&now)); }
