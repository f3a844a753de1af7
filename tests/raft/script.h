// A cluster moved by hand, for golden scripts: every effect and message is printed. A script is a text in which lines
// that begin with "> " are commands; what they print is written below them, indented; everything else is comment.
//
//   > cluster 3 [voters 1] [unpinned]  nodes 1..3; the first `voters` of them have a vote
//   > tick N            moves the time to N's deadline, and ticks N alone
//   > wait MS           moves the time
//   > sync N            all writes of N are durable
//   > deliver A>B [n]   the oldest n messages of the link, or all there are now
//   > drop A>B          what is on the link is lost; "drop all": on every link
//   > settle            delivers, syncs until nothing moves; links named after it are left alone: settle 1>2 2>1
//   > crash N, > restart N
//   > propose N a b .., > read N TICKET, > snapshot N END START BYTES
//   > add N VOTER, > remove N VOTER, > transfer N [TARGET]
//   > rollback N, > keep N    puts back N's disk as it was at its last "keep"; N must be down
//   > foreign A>B       the oldest message of the link gets another cluster's id
//   > swap-disk N       N, which is down, gets an empty disk with a new directory
//   > log N             what N knows
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "raft/core.h"
#include "raft/describe.h"
#include "tests/raft/node_disk.h"

namespace leat::raft::test {

class Script {
 public:
  std::string Run(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("  ")) continue;  // what an earlier run printed
      out_ += line + "\n";
      if (line.starts_with("> ")) Command(line.substr(2));
    }
    return out_;
  }

 private:
  using Link = std::pair<int, int>;
  struct Node {
    Peer self;
    std::unique_ptr<Random> random;
    std::unique_ptr<Core> core;
    NodeDisk disk;
    DiskState kept;
  };

  void Print(std::string_view text) { out_ += StrCat("  ", text, "\n"); }
  static Link LinkOf(const std::string& text) {
    const size_t arrow = text.find('>');
    return {std::stoi(text.substr(0, arrow)), std::stoi(text.substr(arrow + 1))};
  }

  void Command(const std::string& line) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    std::vector<std::string> args;
    for (std::string word; words >> word;) args.push_back(word);
    if (name == "cluster") return Cluster(args);
    if (name == "settle") return Settle(args);
    if (name == "wait") {
      now_ = now_ + absl::Milliseconds(std::stoi(args.at(0)));
    } else if (name == "deliver") {
      const Link link = LinkOf(args.at(0));
      const size_t most = args.size() > 1 ? std::stoul(args[1]) : links_[link].size();
      for (size_t i = 0; i < most && !links_[link].empty(); ++i) Deliver(link);
    } else if (name == "drop") {
      args.at(0) == "all" ? links_.clear() : links_[LinkOf(args[0])].clear();
    } else if (name == "foreign") {
      links_[LinkOf(args.at(0))].front().cluster = {9, 9};
    } else {
      NodeCommand(name, *nodes_.at(std::stoi(args.at(0))), args);
    }
  }

  void NodeCommand(const std::string& name, Node& node, const std::vector<std::string>& args) {
    if (name == "tick") {
      now_ = std::max(now_, node.core->NextDeadline());
      node.core->Tick(now_);
    } else if (name == "sync") {
      Sync(node);
    } else if (name == "crash") {
      node.core.reset();
      node.disk.RollBackTo(node.disk.durable());
    } else if (name == "restart") {
      Start(node);
    } else if (name == "keep") {
      node.kept = node.disk.durable();
    } else if (name == "rollback") {
      node.disk.RollBackTo(node.kept);
    } else if (name == "swap-disk") {
      node.disk = NodeDisk();
      node.self.directory.low += 100;
    } else if (name == "log") {
      Print(StrCat("term ", node.core->term(), " log ", node.core->log().start(), "..", node.core->log_end(),
                   " durable ", node.core->durable_end(), " commit ", node.core->commit_end(), " voters ",
                   node.core->voters().ToString()));
    } else {
      Request(name, node, args);
    }
    Show(node);
  }

  void Request(const std::string& name, Node& node, const std::vector<std::string>& args) {
    absl::Status status;
    if (name == "propose") {
      status = node.core->Propose({args.begin() + 1, args.end()}, now_).status();
    } else if (name == "read") {
      status = node.core->Read(std::stoull(args.at(1)), now_);
    } else if (name == "snapshot") {
      status =
          TakeSnapshot(node, Offset{std::stoll(args.at(1))}, Offset{std::stoll(args.at(2))}, std::stoul(args.at(3)));
    } else if (name == "add") {
      status = node.core->AddVoter(nodes_.at(std::stoi(args.at(1)))->self, now_);
    } else if (name == "remove") {
      const Peer* voter = node.core->voters().Find(NodeId{std::stoi(args.at(1))});
      status = node.core->RemoveVoter(voter != nullptr ? *voter : nodes_.at(std::stoi(args.at(1)))->self, now_);
    } else if (name == "transfer") {
      status = node.core->TransferLeadership(args.size() > 1 ? NodeId{std::stoi(args[1])} : kNobody, now_);
    } else {
      status = absl::UnimplementedError(name);
    }
    if (!status.ok()) Print(StrCat(node.self.id, ": ", leat::Message(status)));
  }

  absl::Status TakeSnapshot(Node& node, Offset end, Offset start, size_t bytes) {
    const LogPoint point{end, node.core->log().TermBefore(end).value_or(Term{0})};
    StoredSnapshot snapshot{point, node.core->VotersUpTo(end), std::string(bytes, 's')};
    const absl::Status status = node.core->OnSnapshot(end, static_cast<int64_t>(bytes), start);
    if (status.ok()) node.disk.Store(std::move(snapshot), start);
    return status;
  }

  void Cluster(const std::vector<std::string>& args) {
    const int nodes = std::stoi(args.at(0));
    int voters = nodes;
    bool pinned = true;
    for (size_t i = 1; i < args.size(); ++i) {
      if (args[i] == "voters") voters = std::stoi(args.at(i + 1));
      if (args[i] == "unpinned") pinned = false;
    }
    options_.cluster = {1, 1};
    options_.max_message_entries = 3;
    options_.max_snapshot_chunk_bytes = 100;
    std::vector<Peer> peers;
    for (int id = 1; id <= nodes; ++id) {
      auto node = std::make_unique<Node>();
      node->self = {NodeId{id}, {0, static_cast<uint64_t>(id)}};
      node->random = std::make_unique<Random>(static_cast<uint64_t>(id));
      if (id <= voters) peers.push_back({node->self.id, pinned ? node->self.directory : model::Uuid{}});
      nodes_[id] = std::move(node);
    }
    options_.initial_voters = VoterSet(peers);
    for (auto& [id, node] : nodes_) Start(*node);
  }

  void Start(Node& node) {
    Options options = options_;
    options.self = node.self;
    auto core = Core::Open(options, node.disk.Restore(), *node.random, now_);
    if (!core.ok()) return Print(StrCat(node.self.id, ": ", leat::Message(core.status())));
    node.core = *std::move(core);
    Show(node);
  }

  void Sync(Node& node) {
    const WriteId through = node.disk.Sync(node.disk.pending());
    if (through != 0) node.core->OnDurable(through, now_);
  }

  void Deliver(Link link) {
    Message message = std::move(links_[link].front());
    links_[link].pop_front();
    Node& node = *nodes_.at(link.second);
    if (!node.core) return;
    node.core->Receive(std::move(message), now_);
    Show(node);
  }

  void Settle(const std::vector<std::string>& left_alone) {
    std::set<Link> cut;
    for (const std::string& link : left_alone) cut.insert(LinkOf(link));
    for (bool moved = true; moved;) {
      moved = false;
      for (auto& [id, node] : nodes_) {
        if (!node->core || !node->disk.busy()) continue;
        moved = true;
        Sync(*node);
        Show(*node);
      }
      for (auto& [link, messages] : links_) {
        if (messages.empty() || cut.contains(link)) continue;
        moved = true;
        Deliver(link);
      }
    }
  }

  // Prints and carries out; reads are answered at once.
  void Show(Node& node) {
    if (!node.core) return;
    for (Effects effects = node.core->TakeEffects(); !effects.empty(); effects = node.core->TakeEffects()) {
      for (Effect& effect : effects) {
        Print(StrCat(node.self.id, ": ", Describe(effect)));
        std::visit([&](auto& what) { Do(node, what); }, effect);
      }
    }
  }
  template <typename Any>
  void Do(Node&, const Any&) {}
  void Do(Node& node, PersistVote& effect) { node.disk.Write(effect); }
  void Do(Node& node, AppendEntries& effect) { node.disk.Write(effect); }
  void Do(Node& node, TruncateFrom& effect) { node.disk.Write(effect); }
  void Do(Node& node, InstallSnapshot& effect) { node.disk.Write(effect); }
  void Do(Node& node, WriteSnapshotChunk& effect) { node.disk.Write(effect); }
  void Do(Node&, Send& effect) {
    const Message& message = effect.message;
    links_[{message.from.id.value(), message.to.id.value()}].push_back(message);
  }
  void Do(Node& node, ReadEntries& effect) {
    std::vector<Entry> entries;
    for (Offset at = effect.first; at < effect.end; ++at) entries.push_back(node.disk.current().At(at));
    node.core->OnRead(effect.read, std::move(entries), now_);
  }
  void Do(Node& node, ReadSnapshot& effect) {
    const std::string& all = node.disk.current().snapshot->bytes;
    std::string bytes = all.substr(static_cast<size_t>(effect.position), static_cast<size_t>(effect.max_bytes));
    const bool last = static_cast<size_t>(effect.position) + bytes.size() == all.size();
    node.core->OnSnapshotRead(effect.read, std::move(bytes), last ? ChunkEnd::kLast : ChunkEnd::kMore, now_);
  }

  Options options_;
  Instant now_ = Instant::FromNanos(1'000'000'000);
  std::map<int, std::unique_ptr<Node>> nodes_;
  std::map<Link, std::deque<Message>> links_;
  std::string out_;
};

}  // namespace leat::raft::test
