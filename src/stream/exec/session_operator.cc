#include "stream/exec/session_operator.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "base/strings.h"
#include "stream/data/key_codec.h"
#include "stream/exec/fired_watermark.h"
#include "stream/exec/operators.h"

namespace leat::exec {
namespace {

// Tables: each key's open sessions; the watermark; for each time, the keys to look at when the watermark reaches it.
constexpr int kSessionTable = 0;
constexpr int kWatermarkTable = 1;
constexpr int kTimerTable = 2;

// The open sessions of a key, in order of time. A timer is set for `timer_ms`, at or before the end of the first.
struct KeySessions {
  int64_t timer_ms = kMaxWatermark;
  std::vector<Session> sessions;

  absl::Status Parse(std::string_view stored);
  std::string Store() const;
  int64_t FirstEnd() const {
    int64_t end = kMaxWatermark;
    for (const Session& session : sessions) end = std::min(end, session.end_ms);
    return end;
  }
};

absl::Status KeySessions::Parse(std::string_view stored) {
  BytesReader reader(stored);
  timer_ms = reader.Read<int64_t>();
  while (reader.ok() && reader.remaining() > 0) {
    Session session;
    session.start_ms = reader.Read<int64_t>();
    session.end_ms = reader.Read<int64_t>();
    session.content = reader.ReadBytes(reader.ReadUnsignedVarint());
    sessions.push_back(std::move(session));
  }
  return reader.ok() ? absl::OkStatus() : DataLoss("state: the sessions of a key are cut off");
}

std::string KeySessions::Store() const {
  std::string out;
  BytesWriter writer(&out);
  writer.Write<int64_t>(timer_ms);
  for (const Session& session : sessions) {
    writer.Write<int64_t>(session.start_ms);
    writer.Write<int64_t>(session.end_ms);
    writer.WriteUnsignedVarint(session.content.size());
    writer.WriteBytes(session.content);
  }
  return out;
}

struct SessionState : OperatorState {
  state::StateTable* sessions = nullptr;
  state::StateTable* timers = nullptr;
  FiredWatermark fired;
  std::unique_ptr<SessionContent> content;
};

class SessionOperator : public Operator {
 public:
  SessionOperator(plan::NodePtr node, std::string name, const WindowZone& zone, SessionContentMaker make_content)
      : node_(std::move(node)), name_(std::move(name)), zone_(zone), make_content_(std::move(make_content)) {}

  std::string Name() const override { return StrCat(name_, "#", node_->id); }

  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    auto state = std::make_unique<SessionState>();
    state->sessions = &backend.Table(node_->id, kSessionTable);
    state->timers = &backend.Table(node_->id, kTimerTable);
    LEAT_RETURN_IF_ERROR(state->fired.Open(backend.Table(node_->id, kWatermarkTable)));
    state->content = make_content_();
    return state;
  }

  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override;
  absl::Status OnWatermark(OperatorState& state, const Context& context, Output& output) const override;
  absl::Status OnBarrier(OperatorState& state) const override {
    return static_cast<SessionState&>(state).fired.Store();
  }

 private:
  absl::StatusOr<bool> AddRow(size_t row, bool taken_back, int64_t ms, const std::string& key,
                              SessionState* state) const;
  static absl::StatusOr<Session*> Place(Session opened, KeySessions* of_key, SessionContent* content);
  absl::Status Fire(int64_t now_ms, const std::string& key, SessionState* state, Output& output) const;
  static absl::Status SetTimer(const std::string& key, KeySessions* of_key, SessionState* state);

  plan::NodePtr node_;
  std::string name_;
  WindowZone zone_;
  SessionContentMaker make_content_;
};

absl::Status SessionOperator::Process(OperatorState& operator_state, const Context&, const data::Batch& input,
                                      Output& output) const {
  auto& state = static_cast<SessionState&>(operator_state);
  const data::Column& time = *input.columns[static_cast<size_t>(node_->window.time_column)];
  const std::span<const int64_t> micros = time.values<int64_t>();
  std::vector<data::ColumnPtr> keys;
  for (const int column : node_->keys) keys.push_back(input.columns[static_cast<size_t>(column)]);
  state.content->Bind(input);
  std::vector<uint32_t> late;
  std::string key;
  for (uint32_t row = 0; row < input.rows; ++row) {
    const bool taken_back = data::IsRetraction(input.kind(row));
    if (time.IsNull(row) || (taken_back && !state.content->TakesChanges())) {
      output.Fail(MakeFailedRow(input, row,
                                time.IsNull(row)
                                    ? "the time column of the window is NULL"
                                    : "a row is taken back, but the input of the window was planned insert-only"));
      continue;
    }
    key.clear();
    data::EncodeKey(keys, row, &key);
    LEAT_ASSIGN_OR_RETURN(const bool in_time, AddRow(row, taken_back, zone_.MillisOf(micros[row]), key, &state));
    if (!in_time) late.push_back(row);
  }
  if (!late.empty()) output.Late(input, late);
  return absl::OkStatus();
}

// False if the row is late.
absl::StatusOr<bool> SessionOperator::AddRow(size_t row, bool taken_back, int64_t ms, const std::string& key,
                                             SessionState* state) const {
  LEAT_ASSIGN_OR_RETURN(const std::string* stored, state->sessions->Find(0, key));
  KeySessions of_key;
  if (stored != nullptr) LEAT_RETURN_IF_ERROR(of_key.Parse(*stored));
  Session opened{.start_ms = ms, .end_ms = ms + node_->window.size_ms, .content = {}};
  const bool joins = std::ranges::any_of(of_key.sessions, [&](const Session& session) {
    return session.start_ms <= opened.end_ms && opened.start_ms <= session.end_ms;
  });
  if (!joins && opened.end_ms - 1 <= state->fired.ms()) return false;
  if (!joins && taken_back) {
    ++state->counters.ignored_retractions;
    return true;
  }
  LEAT_ASSIGN_OR_RETURN(Session * session, Place(std::move(opened), &of_key, state->content.get()));
  LEAT_RETURN_IF_ERROR(state->content->Add(row, &session->content));
  if (of_key.FirstEnd() - 1 < of_key.timer_ms) LEAT_RETURN_IF_ERROR(SetTimer(key, &of_key, state));
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, state->sessions->Mutate(0, key, &inserted));
  *value = of_key.Store();
  return true;
}

// The session that the new one has become part of.
absl::StatusOr<Session*> SessionOperator::Place(Session opened, KeySessions* of_key, SessionContent* content) {
  std::vector<Session> sessions;
  bool first = true;
  for (Session& session : of_key->sessions) {
    if (session.start_ms > opened.end_ms || opened.start_ms > session.end_ms) {
      sessions.push_back(std::move(session));
      continue;
    }
    opened.start_ms = std::min(opened.start_ms, session.start_ms);
    opened.end_ms = std::max(opened.end_ms, session.end_ms);
    if (first) {
      opened.content = std::move(session.content);
    } else {
      LEAT_RETURN_IF_ERROR(content->Merge(session.content, &opened.content));
    }
    first = false;
  }
  const auto at = std::ranges::find_if(sessions, [&](const Session& s) { return s.start_ms > opened.start_ms; });
  const auto index = at - sessions.begin();
  sessions.insert(at, std::move(opened));
  of_key->sessions = std::move(sessions);
  return &of_key->sessions[static_cast<size_t>(index)];
}

absl::Status SessionOperator::SetTimer(const std::string& key, KeySessions* of_key, SessionState* state) {
  of_key->timer_ms = of_key->FirstEnd() - 1;
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, state->timers->Mutate(of_key->timer_ms, key, &inserted));
  value->assign(1, '\1');
  return absl::OkStatus();
}

absl::Status SessionOperator::OnWatermark(OperatorState& operator_state, const Context& context, Output& output) const {
  auto& state = static_cast<SessionState&>(operator_state);
  if (context.watermark_ms <= state.fired.ms()) return absl::OkStatus();
  while (true) {
    LEAT_ASSIGN_OR_RETURN(const std::optional<state::Namespace> due, state.timers->NextNamespace(kMinWatermark));
    if (!due || *due > context.watermark_ms) break;
    std::vector<std::string> keys;
    LEAT_RETURN_IF_ERROR(
        state.timers->Scan(*due, [&](std::string_view key, std::string_view) { keys.emplace_back(key); }));
    LEAT_RETURN_IF_ERROR(state.timers->EraseNamespace(*due));
    std::ranges::sort(keys);
    for (const std::string& key : keys) LEAT_RETURN_IF_ERROR(Fire(*due, key, &state, output));
  }
  state.fired.Set(context.watermark_ms);
  return state.content->Flush(output);
}

// Emits the key's sessions that have ended by now. Sessions grow without moving the timer: it may find none.
absl::Status SessionOperator::Fire(int64_t now_ms, const std::string& key, SessionState* state, Output& output) const {
  LEAT_ASSIGN_OR_RETURN(const std::string* stored, state->sessions->Find(0, key));
  if (stored == nullptr) return absl::OkStatus();
  KeySessions of_key;
  LEAT_RETURN_IF_ERROR(of_key.Parse(*stored));
  std::vector<Session> open;
  for (Session& session : of_key.sessions) {
    if (session.end_ms - 1 > now_ms) {
      open.push_back(std::move(session));
      continue;
    }
    LEAT_RETURN_IF_ERROR(state->content->Emit(key, session, output));
  }
  if (open.empty()) return state->sessions->Erase(0, key);
  of_key.sessions = std::move(open);
  if (of_key.timer_ms <= now_ms) LEAT_RETURN_IF_ERROR(SetTimer(key, &of_key, state));
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, state->sessions->Mutate(0, key, &inserted));
  *value = of_key.Store();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeSessionOperator(const plan::NodePtr& node, std::string name,
                                                              SessionContentMaker make_content) {
  constexpr int64_t kLongest = int64_t{1} << 53;
  if (node->window.size_ms <= 0 || node->window.size_ms > kLongest) {
    return InvalidArgument("window: the gap of a SESSION must be from 1 to ", kLongest, " ms, got ",
                           node->window.size_ms);
  }
  LEAT_ASSIGN_OR_RETURN(const WindowZone zone, WindowZone::Make(node->window));
  return std::unique_ptr<Operator>(
      std::make_unique<SessionOperator>(node, std::move(name), zone, std::move(make_content)));
}

int64_t SessionBoundMicros(plan::Node::WindowColumn column, const Session& session, const WindowZone& zone) {
  switch (column) {
    case plan::Node::WindowColumn::kStart:
      return WindowMath::MicrosOf(session.start_ms);
    case plan::Node::WindowColumn::kEnd:
      return WindowMath::MicrosOf(session.end_ms);
    case plan::Node::WindowColumn::kTime:
      break;
  }
  return zone.TimeMicros(session.end_ms);
}

}  // namespace leat::exec
