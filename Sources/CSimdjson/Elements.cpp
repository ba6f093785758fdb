// Cuts a long list into runs of elements, so that no more of it than one run need be parsed at a time.
#include "CSimdjson.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace {

/// A bit for each of 64 bytes.
struct masks {
  uint64_t quote = 0, backslash = 0, open = 0, close = 0, comma = 0;
};

#ifdef __SSE2__
masks look(const uint8_t *bytes) {
  masks found;
  auto same = [](__m128i a, char b) {
    return static_cast<uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, _mm_set1_epi8(b)))));
  };
  for (int part = 0; part < 64; part += 16) {
    const __m128i some = _mm_loadu_si128(reinterpret_cast<const __m128i *>(bytes + part));
    // '[' and '{', ']' and '}' differ in this bit only.
    const __m128i folded = _mm_or_si128(some, _mm_set1_epi8(0x20));
    found.quote |= same(some, '"') << part;
    found.backslash |= same(some, '\\') << part;
    found.open |= same(folded, '{') << part;
    found.close |= same(folded, '}') << part;
    found.comma |= same(some, ',') << part;
  }
  return found;
}
#else
masks look(const uint8_t *bytes) {
  masks found;
  for (int at = 0; at < 64; at++) {
    const uint8_t byte = bytes[at];
    found.quote |= static_cast<uint64_t>(byte == '"') << at;
    found.backslash |= static_cast<uint64_t>(byte == '\\') << at;
    found.open |= static_cast<uint64_t>((byte | 0x20) == '{') << at;
    found.close |= static_cast<uint64_t>((byte | 0x20) == '}') << at;
    found.comma |= static_cast<uint64_t>(byte == ',') << at;
  }
  return found;
}
#endif

/// What a backslash stands before. `carry`: whether the first byte is such, and then whether the byte behind the last is.
uint64_t escaped(uint64_t backslash, bool &carry) {
  uint64_t result = carry;
  carry = false;
  for (uint64_t left = backslash; left != 0; left &= left - 1) {
    const int at = __builtin_ctzll(left);
    if (result >> at & 1) continue;
    if (at == 63) {
      carry = true;
    } else {
      result |= uint64_t{2} << at;
    }
  }
  return result;
}

/// Bit i is the parity of bits 0 to i: set from each opening quote up to its closing one.
uint64_t prefix_xor(uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

}  // namespace

size_t csimdjson_elements(const uint8_t *bytes, size_t length, size_t wanted) {
  uint8_t tail[64];
  uint64_t in_string = 0;
  bool carry = false;
  int64_t depth = 0;
  for (size_t start = 0; start < length; start += 64) {
    const uint8_t *block = bytes + start;
    if (length - start < 64) {
      for (size_t at = 0; at < 64; at++) tail[at] = at < length - start ? block[at] : ' ';
      block = tail;
    }
    const masks found = look(block);
    uint64_t quotes = found.quote;
    if (found.backslash != 0 || carry) quotes &= ~escaped(found.backslash, carry);
    const uint64_t strings = prefix_xor(quotes) ^ in_string;
    in_string = static_cast<uint64_t>(static_cast<int64_t>(strings) >> 63);
    uint64_t left = (found.open | found.close) & ~strings;
    if (start + 64 > wanted) left |= found.comma & ~strings;
    for (; left != 0; left &= left - 1) {
      const int at = __builtin_ctzll(left);
      if (found.open >> at & 1) {
        depth++;
      } else if (found.close >> at & 1) {
        if (--depth < 0) return start + at;
      } else if (depth == 0 && start + at >= wanted) {
        return start + at;
      }
    }
  }
  return length;
}
