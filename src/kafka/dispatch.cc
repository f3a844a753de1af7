#include "kafka/dispatch.h"

#include "wire/reader.h"

namespace leat::kafka {
namespace {

constexpr size_t kBudgetFactor = 16;
constexpr size_t kLeastBudget = size_t{64} << 10;

}  // namespace

size_t DecodeBudget(size_t frame_bytes) { return frame_bytes * kBudgetFactor + kLeastBudget; }

absl::StatusOr<Dispatched> Dispatch(std::string_view frame, std::string* client_id) {
  Dispatched out;
  wire::Reader reader(frame, kLeastBudget);
  const absl::Status decoded = wire::DecodeRequestHeader(reader, &out.header);
  const wire::RequestHeader& header = out.header;
  if (header.client_id && *header.client_id != *client_id) *client_id = std::string(*header.client_id);
  if (frame.size() < sizeof(header.api_key) + sizeof(header.api_version)) return decoded;
  out.api = FindServedApi(header.api_key);
  if (out.api == nullptr) {
    return InvalidArgument("expected a request that this broker serves, got API key ", header.api_key, " version ",
                           header.api_version);
  }
  if (header.api_key == wire::kApiVersionsKey && header.api_version > out.api->max_version) {
    out.refuse_version = true;
    return out;
  }
  if (header.api_version < out.api->min_version || header.api_version > out.api->max_version) {
    return InvalidArgument("expected ", out.api->name, " in the versions ", out.api->min_version, " to ",
                           out.api->max_version, ", got version ", header.api_version);
  }
  LEAT_RETURN_IF_ERROR(decoded);
  out.body_at = reader.position();
  return out;
}

}  // namespace leat::kafka
