#include "bench/compare/load_client.h"

#include <absl/strings/str_split.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>

#include "base/bytes.h"
#include "base/strings.h"
#include "bench/compare/load_requests.h"
#include "wire/header.h"
#include "wire/messages/describe_quorum.h"
#include "wire/messages/metadata.h"

namespace leat::load {
namespace {

constexpr int kLookTimeoutMs = 1000;
constexpr size_t kAnswerBudget = size_t{64} << 20;
constexpr std::string_view kMetadataTopic = "__cluster_metadata";

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// The body behind the header; nothing if it cannot be read.
template <class Response>
std::optional<Response> Read(std::string_view frame, int16_t version) {
  wire::Reader in(frame, kAnswerBudget);
  int32_t correlation = 0;
  Response response;
  if (!wire::DecodeResponseHeader(in, Response::kApiKey, version, &correlation).ok()) return std::nullopt;
  if (!response.Decode(in, version).ok()) return std::nullopt;
  return response;
}

void TakeMetadata(const wire::MetadataResponse& said, ClusterView* view) {
  for (const auto& broker : said.brokers) {
    view->brokers[broker.node_id] = StrCat(broker.host, ":", broker.port);
  }
  if (said.topics.empty()) return;
  view->partitions.resize(said.topics[0].partitions.size());
  for (const auto& from : said.topics[0].partitions) {
    const auto index = static_cast<size_t>(from.partition_index);
    if (index >= view->partitions.size()) continue;
    view->partitions[index] = {from.leader_id, from.isr_nodes};
  }
}

void AskQuorum(LoadClient& client, ClusterView* view) {
  wire::DescribeQuorumRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic_name = kMetadataTopic;
  topic.partitions.emplace_back();
  const std::optional<std::string> frame = client.Ask(Frame(request, kQuorumVersion), kLookTimeoutMs);
  if (!frame) return;
  const auto said = Read<wire::DescribeQuorumResponse>(*frame, kQuorumVersion);
  if (!said || said->topics.empty() || said->topics[0].partitions.empty()) return;
  view->controller = said->topics[0].partitions[0].leader_id;
}

template <class More>
std::optional<ClusterView> Look(const std::vector<std::string>& addresses, const std::string& topic, More more) {
  for (const std::string& address : addresses) {
    LoadClient client;
    if (!client.Connect(address)) continue;
    const std::optional<std::string> frame = client.Ask(MetadataFrame(topic), kLookTimeoutMs);
    if (!frame) continue;
    const auto said = Read<wire::MetadataResponse>(*frame, kMetadataVersion);
    if (!said) continue;
    ClusterView view;
    TakeMetadata(*said, &view);
    more(client, &view);
    return view;
  }
  return std::nullopt;
}

}  // namespace

bool LoadClient::Connect(const std::string& address) {
  Close();
  const size_t colon = address.rfind(':');
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  if (colon == std::string::npos || ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) != 1) {
    return false;
  }
  to.sin_port = htons(static_cast<uint16_t>(std::atoi(address.c_str() + colon + 1)));
  fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
  if (fd_ < 0) return false;
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) return true;
  Close();
  return false;
}

void LoadClient::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool LoadClient::ReadExactly(char* to, size_t n) {
  while (n > 0) {
    const ssize_t got = ::recv(fd_, to, n, 0);
    if (got <= 0) return false;
    to += got;
    n -= static_cast<size_t>(got);
  }
  return true;
}

std::optional<std::string> LoadClient::Ask(std::string_view frame, int timeout_ms) {
  if (fd_ < 0) return std::nullopt;
  const timeval wait = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  char length[sizeof(uint32_t)];
  if (SendAll(fd_, frame) && ReadExactly(length, sizeof(length))) {
    std::string answer(LoadBigEndian<uint32_t>(length), '\0');
    if (ReadExactly(answer.data(), answer.size())) return answer;
  }
  Close();
  return std::nullopt;
}

std::vector<std::string> SplitAddresses(const std::string& at) {
  return absl::StrSplit(ToAbsl(at), ',', absl::SkipEmpty());
}

std::optional<ClusterView> LookAt(const std::vector<std::string>& addresses, const std::string& topic) {
  return Look(addresses, topic, [](LoadClient&, ClusterView*) {});
}

std::optional<ClusterView> LookAtQuorum(const std::vector<std::string>& addresses, const std::string& topic) {
  return Look(addresses, topic, AskQuorum);
}

}  // namespace leat::load
