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

#ifdef __cplusplus
}
#endif
