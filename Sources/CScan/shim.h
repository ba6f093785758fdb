#pragma once
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Sixteen bytes at a time: the words of a dump of a large cluster are most of its reading time. All return `end` where
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

/* Whether a byte ends a word of nft's language: a blank, a control character or one of {}(),;@$&|^=!<>#"\ */
static inline int ends_nft_word(uint8_t byte) {
  return byte <= 0x24 || byte == '&' || (byte & 0xFE) == '(' || byte == ',' || (uint8_t)(byte - ';') <= 3 || byte == '@' ||
         (byte | 2) == '^' || (uint8_t)(byte - '{') <= 2;
}

/* The first byte that ends a word of nft's language. */
static inline const uint8_t *scan_nft_word(const uint8_t *at, const uint8_t *end) {
#ifdef __SSE2__
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128((const __m128i *)at);
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x24)), bytes);
    const __m128i ampersand = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('&'));
    const __m128i parenthesis = _mm_cmpeq_epi8(_mm_and_si128(bytes, _mm_set1_epi8((char)0xFE)), _mm_set1_epi8('('));
    const __m128i comma = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(','));
    const __m128i from_semicolon = _mm_sub_epi8(bytes, _mm_set1_epi8(';'));
    const __m128i compare = _mm_cmpeq_epi8(_mm_min_epu8(from_semicolon, _mm_set1_epi8(3)), from_semicolon);
    const __m128i at_sign = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('@'));
    const __m128i caret = _mm_cmpeq_epi8(_mm_or_si128(bytes, _mm_set1_epi8(2)), _mm_set1_epi8('^'));
    const __m128i from_brace = _mm_sub_epi8(bytes, _mm_set1_epi8('{'));
    const __m128i brace = _mm_cmpeq_epi8(_mm_min_epu8(from_brace, _mm_set1_epi8(2)), from_brace);
    const __m128i any = _mm_or_si128(
        _mm_or_si128(_mm_or_si128(low, ampersand), _mm_or_si128(parenthesis, comma)),
        _mm_or_si128(_mm_or_si128(compare, at_sign), _mm_or_si128(caret, brace)));
    const int found = _mm_movemask_epi8(any);
    if (found) return at + __builtin_ctz((unsigned)found);
    at += 16;
  }
#endif
  while (at < end && !ends_nft_word(*at)) at++;
  return at;
}
