#pragma once
#include <stddef.h>

/// Bytes on the heap, and the most there were since the last reset. The allocator's functions of the whole process are
/// replaced by ones that count.
size_t memory_peak(void);
void memory_peak_reset(void);
size_t memory_now(void);
