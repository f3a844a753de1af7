#include "broker/view_desk.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "broker/broker_impl.h"
#include "broker/job_peers.h"
#include "broker/outcomes.h"
#include "broker/retries.h"

namespace leat::broker {
namespace {

constexpr Duration kAnswerTimeout = absl::Seconds(5);
constexpr size_t kLeastPartitionBytes = size_t{16} << 10;

}  // namespace

std::unique_ptr<Views> Views::Create(Broker& broker, const ViewOptions& options, std::unique_ptr<ViewStores> stores) {
  if (stores == nullptr) stores = MakeRocksViewStores(options.cache_bytes, options.write_buffer_bytes);
  return std::make_unique<ViewDesk>(static_cast<BrokerImpl&>(broker), options, std::move(stores));
}

void ViewDesk::Start() {
  broker_.home().Post([this] {
    broker_.job_peers().ServeViews([this](const AskView& asked, Callback<absl::StatusOr<AskView::Reply>> done) {
      host_.Answer(asked, std::move(done));
    });
    host_.Start();
  });
}

void ViewDesk::Stop(env::Closure stopped) {
  broker_.home().Post([this, stopped = std::move(stopped)]() mutable {
    broker_.job_peers().ServeViews(nullptr);
    host_.Close(std::move(stopped));
  });
}

absl::StatusOr<meta::TopicPtr> ViewDesk::Find(const std::string& view) const {
  if (!broker_.serves()) return Unavailable("the broker is starting or stopping: try again");
  const meta::TopicPtr topic = broker_.image()->FindTopic(view);
  if (topic != nullptr && ViewHost::HasView(*topic)) return topic;
  if (topic == nullptr) return NotFound("view '", view, "' does not exist, nor does a topic of this name");
  return NotFound("topic '", view, "' has no view: leat view create ", view, " makes it");
}

absl::StatusOr<model::NodeId> ViewDesk::LeaderOf(const meta::Topic& topic, model::PartitionId partition) const {
  const meta::Partition* state = broker_.image()->FindPartition({topic.id, partition});
  if (state == nullptr) return broker_.node_id();
  const bool only = state->replicas.size() == 1 && state->replicas[0] == broker_.node_id();
  if (only) return broker_.node_id();
  if (state->leader == meta::kNobody) return Unavailable(topic.name, "-", partition, " has no leader now");
  return state->leader;
}

// ---- changes

void ViewDesk::Alter(AlterTopic change, Callback<absl::Status> done) {
  broker_.AlterTopics(
      {std::move(change)}, ChangeMode::kApply,
      [done = std::move(done)](std::vector<TopicResult> results) mutable { done(ToStatus(results.at(0).outcome)); });
}

void ViewDesk::Create(std::string topic, Callback<absl::Status> done) {
  Alter({.name = std::move(topic), .set = {{"leat.view", "true"}}}, std::move(done));
}

void ViewDesk::Delete(std::string topic, Callback<absl::Status> done) {
  broker_.home().Post([this, topic = std::move(topic), done = std::move(done)]() mutable {
    if (const auto found = Find(topic); !found.ok()) return done(found.status());
    Alter({.name = std::move(topic), .remove = {"leat.view"}}, std::move(done));
  });
}

// ---- questions

void ViewDesk::List(Callback<std::vector<std::string>> done) {
  broker_.home().Post([this, done = std::move(done)]() mutable {
    std::vector<std::string> names;
    if (broker_.serves()) {
      for (const meta::TopicPtr& topic : broker_.image()->Topics()) {
        if (ViewHost::HasView(*topic)) names.push_back(topic->name);
      }
    }
    done(std::move(names));
  });
}

void ViewDesk::AskOnce(const AskView& wanted, Callback<absl::StatusOr<AskView::Reply>> done) {
  const absl::StatusOr<meta::TopicPtr> topic = Find(wanted.partition.topic);
  if (!topic.ok()) return done(topic.status());
  const absl::StatusOr<model::NodeId> leader = LeaderOf(**topic, wanted.partition.partition);
  if (!leader.ok()) return done(leader.status());
  if (*leader == broker_.node_id()) return host_.Answer(wanted, std::move(done));
  broker_.job_peers().Ask(*leader, wanted, kAnswerTimeout,
                          [name = wanted.partition.ToString(), leader = *leader,
                           done = std::move(done)](absl::StatusOr<AskView::Reply> reply) mutable {
                            if (reply.ok()) return done(std::move(reply));
                            done(Annotate(reply.status(), StrCat("node ", leader, ", which leads ", name)));
                          });
}

void ViewDesk::Ask(AskView wanted, Callback<absl::StatusOr<AskView::Reply>> done) {
  broker_.retries().Insist<AskView::Reply>(
      options_.ask_patience,
      [this, wanted = std::move(wanted)](Callback<absl::StatusOr<AskView::Reply>> answer) {
        AskOnce(wanted, std::move(answer));
      },
      std::move(done));
}

void ViewDesk::Describe(std::string view, Callback<absl::StatusOr<ViewDescription>> done) {
  struct Gather {
    ViewDescription description;
    size_t waiting = 0;
    Callback<absl::StatusOr<ViewDescription>> done;
  };
  broker_.home().Post([this, view = std::move(view), done = std::move(done)]() mutable {
    const absl::StatusOr<meta::TopicPtr> topic = Find(view);
    if (!topic.ok()) return done(topic.status());
    auto gather = std::make_shared<Gather>();
    gather->description.name = view;
    gather->description.partitions.resize(static_cast<size_t>((*topic)->partitions));
    gather->waiting = gather->description.partitions.size();
    gather->done = std::move(done);
    for (int32_t i = 0; i < (*topic)->partitions; ++i) {
      const model::PartitionId id(i);
      ViewPartition& state = gather->description.partitions[static_cast<size_t>(i)];
      state.partition = id;
      state.leader = LeaderOf(**topic, id).value_or(meta::kNobody);
      // Asked once: that something is not there is an answer too.
      AskOnce({.what = AskView::What::kDescribe, .partition = {view, id}},
              [this, gather, &state](absl::StatusOr<AskView::Reply> reply) {
                broker_.home().Post([gather, &state, reply = std::move(reply)]() {
                  if (!reply.ok()) {
                    state.outcome =
                        Failed(model::ErrorCode::kNotLeaderOrFollower, std::string(Message(reply.status())));
                  } else {
                    state.applied = reply->applied;
                    state.end = reply->end;
                    if (!reply->trouble.empty()) {
                      state.outcome = Failed(model::ErrorCode::kKafkaStorageError, reply->trouble);
                    }
                  }
                  if (--gather->waiting == 0) gather->done(std::move(gather->description));
                });
              });
    }
  });
}

void ViewDesk::Scan(ViewScan scan, Callback<absl::StatusOr<view::MergedPage>> done) {
  struct Gather {
    view::PageLimit limit;
    std::vector<view::PartitionPage> pages;
    absl::Status status;
    size_t waiting = 0;
    Callback<absl::StatusOr<view::MergedPage>> done;
  };
  broker_.home().Post([this, scan = std::move(scan), done = std::move(done)]() mutable {
    const absl::StatusOr<meta::TopicPtr> topic = Find(scan.view);
    if (!topic.ok()) return done(topic.status());
    const int32_t count = (*topic)->partitions;
    if (scan.partition && (scan.partition->value() < 0 || scan.partition->value() >= count)) {
      return done(NotFound("view '", scan.view, "' has the partitions 0 to ", count - 1, ", not ", *scan.partition));
    }
    std::vector<model::PartitionId> partitions;
    for (int32_t i = 0; i < count; ++i) {
      if (!scan.partition || scan.partition->value() == i) partitions.emplace_back(i);
    }
    auto gather = std::make_shared<Gather>();
    gather->limit = {.rows = std::clamp<size_t>(scan.limit.rows, 1, options_.max_rows),
                     .bytes = std::min(scan.limit.bytes, options_.max_page_bytes)};
    gather->waiting = partitions.size();
    gather->done = std::move(done);
    // Together they are held in memory here; a partition whose page is cut ends the whole page, no more.
    const size_t bytes = std::max(kLeastPartitionBytes, gather->limit.bytes / partitions.size());
    for (const model::PartitionId id : partitions) {
      Ask({.partition = {scan.view, id},
           .begin = scan.range.begin,
           .has_end = scan.range.end.has_value(),
           .end = scan.range.end.value_or(""),
           .max_rows = gather->limit.rows,
           .max_bytes = bytes},
          [gather, id](absl::StatusOr<AskView::Reply> reply) {
            gather->status.Update(reply.status());
            if (reply.ok()) {
              view::PartitionPage& out = gather->pages.emplace_back();
              out.partition = id;
              out.page.applied = reply->applied;
              if (!reply->next.empty()) out.page.next = std::move(reply->next);
              for (AskView::Row& row : reply->rows) {
                out.page.rows.push_back({std::move(row.key), {row.offset, row.timestamp_ms, std::move(row.value)}});
              }
            }
            if (--gather->waiting > 0) return;
            if (!gather->status.ok()) return gather->done(gather->status);
            gather->done(view::Merge(std::move(gather->pages), gather->limit));
          });
    }
  });
}

}  // namespace leat::broker
