#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A parsed document: simdjson's tape and its strings, both owned by `owner`. `error` is simdjson's code, 0 on success;
/// everything else is null then.
typedef struct {
  const uint64_t *_Nullable tape;
  const uint8_t *_Nullable strings;
  void *_Nullable owner;
  int32_t error;
} csimdjson_document;

/// Bytes that must be readable behind the input.
enum { csimdjson_padding = 64 };

/// `bytes` may go away after the call.
csimdjson_document csimdjson_parse(const uint8_t *_Nonnull bytes, size_t length);
void csimdjson_free(void *_Nonnull owner);
const char *_Nonnull csimdjson_message(int32_t error);

/// A parser for one text after the other; what it parsed before goes away with the next call. Null: no memory.
typedef struct csimdjson_parser csimdjson_parser;
csimdjson_parser *_Nullable csimdjson_parser_make(void);
/// The document belongs to the parser: its `owner` is null.
csimdjson_document csimdjson_parser_parse(
    csimdjson_parser *_Nonnull parser, const uint8_t *_Nonnull bytes, size_t length);
void csimdjson_parser_free(csimdjson_parser *_Nullable parser);

/// Where a run of elements ends. `bytes` stand inside a list, in front of an element: the offset of the first comma
/// between elements at or behind `wanted`, or of the bracket that closes the list; `length` where there is neither.
/// Looks at quotes and brackets only: whether the text is JSON, its parser says.
size_t csimdjson_elements(const uint8_t *_Nonnull bytes, size_t length, size_t wanted);

#ifdef __cplusplus
}
#endif
