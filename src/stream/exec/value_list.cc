#include "stream/exec/value_list.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"
#include "stream/data/collection.h"
#include "stream/exec/json_tree.h"

namespace leat::exec {
namespace {

constexpr size_t kCountBytes = sizeof(uint32_t);
constexpr int64_t kLeastCapacity = 32;

ListSlot Get(const char* from) {
  ListSlot slot;
  std::memcpy(&slot, from, sizeof(slot));
  return slot;
}
void Put(const ListSlot& slot, char* to) { std::memcpy(to, &slot, sizeof(slot)); }

// One value of the list, and where it lies in the list's bytes.
struct Entry {
  size_t at = 0;
  size_t end = 0;
  uint32_t count = 0;
  std::string_view cell;
};

class EntryReader {
 public:
  explicit EntryReader(std::string_view list) : list_(list) {}
  bool Next(Entry* entry) {
    if (at_ == list_.size()) return false;
    entry->at = at_;
    LEAT_CHECK(list_.size() - at_ > kCountBytes) << "a list of values is cut off";
    std::memcpy(&entry->count, list_.data() + at_, kCountBytes);
    BytesReader reader(list_.substr(at_ + kCountBytes));
    entry->cell = reader.ReadBytes(reader.ReadUnsignedVarint());
    LEAT_CHECK(reader.ok() && !entry->cell.empty()) << "a list of values is cut off";
    at_ = list_.size() - reader.remaining();
    entry->end = at_;
    return true;
  }

 private:
  std::string_view list_;
  size_t at_ = 0;
};

std::string MakeEntry(std::string_view cell, uint32_t count) {
  std::string entry(reinterpret_cast<const char*>(&count), kCountBytes);
  BytesWriter(&entry).WriteUnsignedVarint(cell.size());
  entry += cell;
  return entry;
}

// Room for `more` bytes behind the list, in memory that may be written.
char* Writable(int64_t more, ListSlot* slot, data::TextArena& texts) {
  if (slot->capacity < slot->size + more) {
    const int64_t capacity = std::max(kLeastCapacity, slot->size == 0 ? more : 2 * (slot->size + more));
    char* bytes = texts.Reserve(static_cast<size_t>(capacity));
    texts.Commit(static_cast<size_t>(capacity));
    if (slot->size > 0) std::memcpy(bytes, slot->bytes, static_cast<size_t>(slot->size));
    slot->bytes = bytes;
    slot->capacity = capacity;
  }
  return const_cast<char*>(slot->bytes);
}

void AppendEntry(std::string_view entry, ListSlot* slot, data::TextArena& texts) {
  char* bytes = Writable(static_cast<int64_t>(entry.size()), slot, texts);
  std::memcpy(bytes + slot->size, entry.data(), entry.size());
  slot->size += static_cast<int64_t>(entry.size());
}

bool Find(const ListSlot& slot, std::string_view cell, Entry* entry) {
  EntryReader reader(slot.view());
  while (reader.Next(entry)) {
    if (entry->cell == cell) return true;
  }
  return false;
}

void SetCount(size_t at, uint32_t count, ListSlot* slot, data::TextArena& texts) {
  std::memcpy(Writable(0, slot, texts) + at, &count, kCountBytes);
}

void AddEntry(std::string_view cell, uint32_t count, ListKeeps keeps, ListSlot* slot, data::TextArena& texts) {
  if (keeps == ListKeeps::kFirst && slot->size > 0) return;
  if (keeps == ListKeeps::kLast) slot->size = 0;
  Entry found;
  if (keeps == ListKeeps::kDifferent && Find(*slot, cell, &found)) {
    return SetCount(found.at, found.count + count, slot, texts);
  }
  AppendEntry(MakeEntry(cell, count), slot, texts);
}

std::string_view TextOf(std::string_view cell) {
  BytesReader reader(cell.substr(1));
  return reader.ReadBytes(reader.ReadUnsignedVarint());
}

// Of {"name":value}, {"name": with the quotes of the name; the texts are our own.
std::string_view NameOf(std::string_view object) {
  for (size_t i = 2; i < object.size(); ++i) {
    if (object[i] == '\\') {
      ++i;
    } else if (object[i] == '"') {
      return object.substr(0, i + 1);
    }
  }
  return {};
}

}  // namespace

void AddToList(std::string_view cell, ListKeeps keeps, char* at, data::TextArena& texts) {
  ListSlot slot = Get(at);
  AddEntry(cell, 1, keeps, &slot, texts);
  Put(slot, at);
}

bool TakeFromList(std::string_view cell, char* at, data::TextArena& texts) {
  ListSlot slot = Get(at);
  Entry found;
  if (!Find(slot, cell, &found)) return false;
  if (found.count > 1) {
    SetCount(found.at, found.count - 1, &slot, texts);
  } else {
    char* bytes = Writable(0, &slot, texts);
    std::memmove(bytes + found.at, bytes + found.end, static_cast<size_t>(slot.size) - found.end);
    slot.size -= static_cast<int64_t>(found.end - found.at);
  }
  Put(slot, at);
  return true;
}

void MergeLists(const char* from, ListKeeps keeps, char* into, data::TextArena& texts) {
  ListSlot slot = Get(into);
  EntryReader reader(Get(from).view());
  Entry entry;
  while (reader.Next(&entry)) AddEntry(entry.cell, entry.count, keeps, &slot, texts);
  Put(slot, into);
}

void VisitList(const char* at, const std::function<void(std::string_view cell, uint32_t count)>& visit) {
  const ListSlot slot = Get(at);
  EntryReader reader(slot.view());
  Entry entry;
  while (reader.Next(&entry)) visit(entry.cell, entry.count);
}

void AppendListAgg(const char* slot, std::string_view separator, data::Column* column) {
  if (Get(slot).size == 0) return column->AppendNull();
  std::string text;
  bool first = true;
  VisitList(slot, [&](std::string_view cell, uint32_t) {
    if (!first) text += separator;
    first = false;
    text += TextOf(cell);
  });
  column->AppendText(text);
}

void AppendArrayAgg(const char* slot, data::Column* column) {
  if (Get(slot).size == 0) return column->AppendNull();
  data::CollectionWriter writer;
  VisitList(slot, [&](std::string_view cell, uint32_t) { writer.AddCell(cell); });
  column->AppendText(writer.Finish());
}

void AppendCollect(const char* slot, bool distinct, data::Column* column) {
  data::CollectionWriter writer;
  VisitList(slot, [&](std::string_view cell, uint32_t count) {
    data::Column one(data::Int());
    one.Append<int32_t>(distinct ? 1 : static_cast<int32_t>(count));
    writer.AddCell(cell);
    writer.Add(one, 0);
  });
  column->AppendText(data::CanonicalMap(writer.Finish(), column->type()));
}

void AppendJsonArray(const char* slot, data::Column* column) {
  std::string text("[");
  VisitList(slot, [&](std::string_view cell, uint32_t) {
    if (text.size() > 1) text += ",";
    text += data::CellIsNull(cell) ? "null" : TextOf(cell);
  });
  column->AppendText(text + "]");
}

void AppendJsonObject(const char* slot, data::Column* column) {
  std::string text("{");
  VisitList(slot, [&](std::string_view cell, uint32_t) {
    const std::string_view object = TextOf(cell);
    if (object.size() <= 2) return;  // {}: a NULL that is ABSENT
    if (text.size() > 1) text += ",";
    text += object.substr(1, object.size() - 2);
  });
  text += "}";
  JsonNode node;
  if (ParseJson(text, &node)) {
    text.clear();
    AppendJson(node, &text);  // brings the names into order
  }
  column->AppendText(text);
}

void AppendOneOf(const char* at, ListKeeps which, data::Column* column) {
  std::string_view last;
  EntryReader reader(Get(at).view());
  for (Entry entry; reader.Next(&entry);) {
    last = entry.cell;
    if (which == ListKeeps::kFirst) break;
  }
  if (last.empty()) return column->AppendNull();
  data::AppendCellTo(last, column);
}

bool HasJsonName(const char* slot, std::string_view text) {
  const std::string_view name = NameOf(text);
  bool found = false;
  VisitList(slot,
            [&](std::string_view cell, uint32_t) { found = found || (!name.empty() && NameOf(TextOf(cell)) == name); });
  return found;
}

}  // namespace leat::exec
