#include "wire/header.h"

#include "wire/apis.h"

namespace leat::wire {

namespace {
bool IsFlexible(int16_t api_key, int16_t api_version) {
  const ApiInfo* api = FindApi(api_key);
  return api != nullptr && api_version >= api->first_flexible;
}
}  // namespace

absl::Status DecodeRequestHeader(Reader& in, RequestHeader* header) {
  in.Number("api_key", &header->api_key);
  in.Number("api_version", &header->api_version);
  in.Number("correlation_id", &header->correlation_id);
  // Of int16 length even where everything after it is compact.
  in.Text("client_id", Form::kClassic, &header->client_id);
  if (in.ok() && IsFlexible(header->api_key, header->api_version)) in.SkipTags();
  return in.status("request header");
}

void EncodeRequestHeader(Writer& out, const RequestHeader& header) {
  out.Number(header.api_key);
  out.Number(header.api_version);
  out.Number(header.correlation_id);
  out.NullableText(Form::kClassic, header.client_id);
  if (IsFlexible(header.api_key, header.api_version)) out.NoTags();
}

void EncodeResponseHeader(Writer& out, int16_t api_key, int16_t api_version, int32_t correlation_id) {
  out.Number(correlation_id);
  if (api_key != kApiVersionsKey && IsFlexible(api_key, api_version)) out.NoTags();
}

absl::Status DecodeResponseHeader(Reader& in, int16_t api_key, int16_t api_version, int32_t* correlation_id) {
  in.Number("correlation_id", correlation_id);
  if (in.ok() && api_key != kApiVersionsKey && IsFlexible(api_key, api_version)) in.SkipTags();
  return in.status("response header");
}

}  // namespace leat::wire
