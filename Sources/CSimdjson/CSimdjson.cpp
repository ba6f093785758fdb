// The C++ of simdjson behind a C header, so that C++ interoperability does not spread to every target above.
#include "CSimdjson.h"

#include <simdjson.h>

#include <new>

csimdjson_document csimdjson_parse(const uint8_t *bytes, size_t length) {
  csimdjson_document result = {nullptr, nullptr, nullptr, simdjson::MEMALLOC};
  auto *document = new (std::nothrow) simdjson::dom::document();
  if (document == nullptr) return result;
  // The parser's index (4 bytes a byte of input) is freed here; only the document stays.
  simdjson::dom::parser parser;
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

const char *csimdjson_message(int32_t error) {
  return simdjson::error_message(static_cast<simdjson::error_code>(error));
}
