// DescribeAcls (29), CreateAcls (30), DeleteAcls (31): there is no authorizer, as a Kafka broker without one says too.
#include "kafka/admin_support.h"
#include "kafka/handlers.h"
#include "wire/messages/create_acls.h"
#include "wire/messages/delete_acls.h"
#include "wire/messages/describe_acls.h"

namespace leat::kafka {
namespace {

constexpr const char* kNoAuthorizer = "access control lists need security, which this broker does not have switched on";

}  // namespace

void HandleDescribeAcls(Call&, const wire::DescribeAclsRequest&, Reply<wire::DescribeAclsResponse> reply) {
  wire::DescribeAclsResponse response;
  response.error_code = Code(model::ErrorCode::kSecurityDisabled);
  response.error_message = kNoAuthorizer;
  reply(std::move(response));
}

void HandleCreateAcls(Call&, const wire::CreateAclsRequest& request, Reply<wire::CreateAclsResponse> reply) {
  wire::CreateAclsResponse response;
  for (size_t i = 0; i < request.creations.size(); ++i) {
    auto& result = response.results.emplace_back();
    result.error_code = Code(model::ErrorCode::kSecurityDisabled);
    result.error_message = kNoAuthorizer;
  }
  reply(std::move(response));
}

void HandleDeleteAcls(Call&, const wire::DeleteAclsRequest& request, Reply<wire::DeleteAclsResponse> reply) {
  wire::DeleteAclsResponse response;
  for (size_t i = 0; i < request.filters.size(); ++i) {
    auto& result = response.filter_results.emplace_back();
    result.error_code = Code(model::ErrorCode::kSecurityDisabled);
    result.error_message = kNoAuthorizer;
  }
  reply(std::move(response));
}

}  // namespace leat::kafka
