#include "kafka/api_versions.h"

#include <algorithm>

#include "kafka/admin_support.h"
#include "kafka/features.h"
#include "kafka/handlers.h"
#include "wire/header.h"
#include "wire/messages/api_versions.h"
#include "wire/writer.h"

namespace leat::kafka {
namespace {

using wire::ApiVersionsRequest;
using wire::ApiVersionsResponse;

bool IsAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// What KIP-511 allows in the name and version of a client's software.
bool IsSoftwareName(std::string_view text) {
  return !text.empty() && IsAlphanumeric(text.front()) && IsAlphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsAlphanumeric(c) || c == '-' || c == '.'; });
}

void AddApis(ApiVersionsResponse* response) {
  for (const Api& api : ServedApis()) {
    auto& entry = response->api_keys.emplace_back();
    entry.api_key = api.key;
    entry.min_version = api.min_version;
    entry.max_version = api.max_version;
  }
}

void AddFeatures(int16_t version, ApiVersionsResponse* response) {
  for (const Feature& feature : Features()) {
    // Clients before version 4 take a feature that begins at level 0 for a broken answer (KIP-1022).
    if (version >= 4 || feature.min_level > 0) {
      auto& supported = response->supported_features.emplace_back();
      supported.name = std::string(feature.name);
      supported.min_version = feature.min_level;
      supported.max_version = feature.max_level;
    }
    if (feature.level == 0) continue;
    auto& finalized = response->finalized_features.emplace_back();
    finalized.name = std::string(feature.name);
    finalized.min_version_level = feature.level;
    finalized.max_version_level = feature.level;
  }
  // They never change while the broker runs: the epoch says that they are known.
  response->finalized_features_epoch = 0;
}

}  // namespace

void HandleApiVersions(Call& call, const ApiVersionsRequest& request, Reply<ApiVersionsResponse> reply) {
  ApiVersionsResponse response;
  if (call.version >= 3 &&
      !(IsSoftwareName(request.client_software_name) && IsSoftwareName(request.client_software_version))) {
    response.error_code = Code(model::ErrorCode::kInvalidRequest);
    return reply(std::move(response));
  }
  AddApis(&response);
  AddFeatures(call.version, &response);
  reply(std::move(response));
}

Answer RefuseVersion(int32_t correlation_id) {
  ApiVersionsResponse response;
  response.error_code = Code(model::ErrorCode::kUnsupportedVersion);
  AddApis(&response);
  wire::Writer out;
  out.BeginFrame();
  wire::EncodeResponseHeader(out, wire::kApiVersionsKey, 0, correlation_id);
  response.Encode(out, 0);
  return {.chunks = out.Take(), .error = response.error_code};
}

}  // namespace leat::kafka
