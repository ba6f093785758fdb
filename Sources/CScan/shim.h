#pragma once
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Sixteen bytes at a time: the words of a dump of a large cluster are most of its reading time. Both return `end` where
   nothing is found, and read nothing at or behind it. */

/* The first byte that is a blank or a control character (<= 0x20). */
static inline const uint8_t *scan_blank(const uint8_t *at, const uint8_t *end) {
#ifdef __SSE2__
  const __m128i blank = _mm_set1_epi8(0x20);
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128((const __m128i *)at);
    const int found = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, blank), bytes));
    if (found) return at + __builtin_ctz((unsigned)found);
    at += 16;
  }
#endif
  while (at < end && *at > 0x20) at++;
  return at;
}

/* The first byte that is the quote or a backslash. */
static inline const uint8_t *scan_quote(const uint8_t *at, const uint8_t *end, uint8_t quote) {
#ifdef __SSE2__
  const __m128i close = _mm_set1_epi8((char)quote), escape = _mm_set1_epi8('\\');
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128((const __m128i *)at);
    const int found =
        _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, close), _mm_cmpeq_epi8(bytes, escape)));
    if (found) return at + __builtin_ctz((unsigned)found);
    at += 16;
  }
#endif
  while (at < end && *at != quote && *at != '\\') at++;
  return at;
}
