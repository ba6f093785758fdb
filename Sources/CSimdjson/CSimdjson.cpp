// The C++ of simdjson behind a C header, so that C++ interoperability does not spread to every target above.
#include "CSimdjson.h"

#include <simdjson.h>

#include <sys/mman.h>

#include <new>

namespace {

// The three arrays are written once from front to back: on large inputs half of the time would be page faults.
void use_huge_pages(void *start, size_t length) {
  constexpr uintptr_t huge = 2 << 20;
  uintptr_t first = (reinterpret_cast<uintptr_t>(start) + huge - 1) & ~(huge - 1);
  uintptr_t last = (reinterpret_cast<uintptr_t>(start) + length) & ~(huge - 1);
  if (first < last) madvise(reinterpret_cast<void *>(first), last - first, MADV_HUGEPAGE);
}

}  // namespace

csimdjson_document csimdjson_parse(const uint8_t *bytes, size_t length) {
  csimdjson_document result = {nullptr, nullptr, nullptr, simdjson::MEMALLOC};
  auto *document = new (std::nothrow) simdjson::dom::document();
  if (document == nullptr) return result;
  // The parser's index (4 bytes a byte of input) is freed here; only the document stays.
  simdjson::dom::parser parser;
  if (length > 8 << 20 && document->allocate(length) == simdjson::SUCCESS && parser.allocate(length) == simdjson::SUCCESS) {
    use_huge_pages(document->tape.get(), length * sizeof(uint64_t));
    use_huge_pages(document->string_buf.get(), length);
  }
  result.error = parser.parse_into_document(*document, bytes, length, false).error();
  if (result.error != simdjson::SUCCESS) {
    delete document;
    return result;
  }
  result.tape = document->tape.get();
  result.strings = document->string_buf.get();
  result.owner = document;
  return result;
}

void csimdjson_free(void *owner) { delete static_cast<simdjson::dom::document *>(owner); }

struct csimdjson_parser {
  simdjson::dom::parser parser;
};

csimdjson_parser *csimdjson_parser_make(void) { return new (std::nothrow) csimdjson_parser(); }

csimdjson_document csimdjson_parser_parse(csimdjson_parser *parser, const uint8_t *bytes, size_t length) {
  csimdjson_document result = {nullptr, nullptr, nullptr, 0};
  result.error = parser->parser.parse(bytes, length, false).error();
  if (result.error == simdjson::SUCCESS) {
    result.tape = parser->parser.doc.tape.get();
    result.strings = parser->parser.doc.string_buf.get();
  }
  return result;
}

void csimdjson_parser_free(csimdjson_parser *parser) { delete parser; }

const char *csimdjson_message(int32_t error) {
  return simdjson::error_message(static_cast<simdjson::error_code>(error));
}
