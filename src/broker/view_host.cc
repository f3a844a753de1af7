#include "broker/view_host.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "broker/broker_impl.h"

namespace leat::broker {

ViewHost::ViewHost(BrokerImpl& broker, const ViewOptions& options, std::unique_ptr<ViewStores> stores)
    : broker_(broker), options_(options), stores_(std::move(stores)) {}

bool ViewHost::HasView(const meta::Topic& topic) {
  const auto config = topic.configs.find("leat.view");
  return config != topic.configs.end() && config->second == "true";
}

std::string ViewHost::Folder() const { return env::JoinPath(broker_.options().data_dir, "views"); }

void ViewHost::Start() {
  cleaning_ = true;
  broker_.home().RunBlocking([stores = stores_.get(), folder = Folder()] { return stores->Remove(folder); },
                             [this](const absl::Status& removed) {
                               cleaning_ = false;
                               // What cannot be removed is in nobody's way: folders are numbered on from the time.
                               if (!removed.ok()) LogWarning("views", Message(removed));
                               next_folder_ = static_cast<uint64_t>(broker_.home().WallMillis());
                               if (closing_) return MaybeClosed();
                               following_ = true;
                               FollowLater();
                             });
}

void ViewHost::FollowLater() {
  Follow();
  timer_ = broker_.home().RunAt(broker_.home().Now() + options_.look_interval, [this] { FollowLater(); });
}

// A copy without others belongs to this node also while the controller has fenced it or cannot be reached.
std::optional<ViewHost::Leadership> ViewHost::LeadsHere(const meta::Topic& topic, model::PartitionId partition) const {
  const meta::Partition* state = followed_->FindPartition({topic.id, partition});
  const model::NodeId self = broker_.node_id();
  const bool only = state == nullptr || (state->replicas.size() == 1 && state->replicas[0] == self);
  if (only) return Leadership{topic.id};
  if (state->leader != self) return std::nullopt;
  return Leadership{topic.id, state->leader_epoch};
}

void ViewHost::Follow() {
  if (!following_ || closing_ || broker_.image() == followed_) return;
  followed_ = broker_.image();
  std::map<model::TopicPartition, Leadership> wanted;
  for (const meta::TopicPtr& topic : followed_->Topics()) {
    if (!HasView(*topic)) continue;
    for (int32_t i = 0; i < topic->partitions; ++i) {
      const model::PartitionId partition(i);
      if (const std::optional<Leadership> leads = LeadsHere(*topic, partition)) {
        wanted.emplace(model::TopicPartition{topic->name, partition}, *leads);
      }
    }
  }
  for (auto it = entries_.begin(); it != entries_.end();) {
    const auto still = wanted.find(it->first);
    if (still != wanted.end() && still->second == it->second.leads) {
      ++it;
      continue;
    }
    End(std::move(it->second.view));
    it = entries_.erase(it);
  }
  for (const auto& [name, leads] : wanted) {
    if (!entries_.contains(name)) Begin(name, leads);
  }
}

void ViewHost::Begin(const model::TopicPartition& name, const Leadership& leads) {
  if (entries_.size() >= options_.max_partitions) {
    LogError("views", name.ToString(), ": this node has ", entries_.size(),
             " tables of views already, the most that it may: it has no table of this partition");
    return;
  }
  Entry& entry = entries_[name];
  entry.leads = leads;
  entry.view = std::make_unique<HostedView>(
      HostedView::Config{.broker = &broker_,
                         .stores = stores_.get(),
                         .options = &options_,
                         .turns = &turns_,
                         .name = name,
                         // By number alone: with a topic's name in front it might be longer than a file's name may be.
                         .folder = env::JoinPath(Folder(), StrCat(++next_folder_))});
  entry.view->Begin();
}

void ViewHost::End(std::unique_ptr<HostedView> view) {
  HostedView* const ending = ending_.emplace_back(std::move(view)).get();
  ending->Close([this, ending] {
    std::erase_if(ending_, [ending](const auto& one) { return one.get() == ending; });
    MaybeClosed();
  });
}

void ViewHost::Answer(const AskView& asked, Callback<absl::StatusOr<AskView::Reply>> done) {
  Follow();
  const auto found = entries_.find(asked.partition);
  if (found == entries_.end()) {
    if (entries_.size() >= options_.max_partitions) {
      return done(ResourceExhausted("node ", broker_.node_id(), " has ", entries_.size(),
                                    " tables of views already, the most that it may, and none of ",
                                    asked.partition.ToString(), ": delete a view, or add brokers"));
    }
    return done(Unavailable("node ", broker_.node_id(), " has no table of ", asked.partition.ToString(),
                            " now: it does not lead the partition, or hears of the view only now"));
  }
  HostedView& view = *found->second.view;
  if (asked.what == AskView::What::kDescribe) {
    const ViewPartition state = view.Describe();
    return done(AskView::Reply{.applied = state.applied, .end = state.end, .trouble = state.outcome.message});
  }
  view::Range range{asked.begin};
  if (asked.has_end) range.end = asked.end;
  view.Read(std::move(range), {.rows = asked.max_rows, .bytes = asked.max_bytes},
            [done = std::move(done)](absl::StatusOr<view::Page> page) mutable {
              if (!page.ok()) return done(page.status());
              AskView::Reply reply{.next = std::move(page->next).value_or(""), .applied = page->applied};
              for (view::Row& row : page->rows) {
                reply.rows.push_back(
                    {std::move(row.key), row.entry.offset, row.entry.timestamp_ms, std::move(row.entry.value)});
              }
              done(std::move(reply));
            });
}

void ViewHost::Close(env::Closure closed) {
  LEAT_CHECK(!closing_) << "closed twice";
  closing_ = true;
  closed_ = std::move(closed);
  timer_.reset();
  for (auto& [name, entry] : std::exchange(entries_, {})) End(std::move(entry.view));
  MaybeClosed();
}

void ViewHost::MaybeClosed() {
  if (closing_ && !cleaning_ && ending_.empty() && closed_) broker_.home().Post(std::exchange(closed_, nullptr));
}

}  // namespace leat::broker
