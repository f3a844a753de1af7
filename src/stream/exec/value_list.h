// The values of a group, one after another: what LISTAGG, COLLECT, ARRAY_AGG, the JSON aggregates, FIRST_VALUE and
// LAST_VALUE keep. A slot of the accumulator says how many bytes there are and where; the bytes lie in the arena of
// whoever owns the accumulator. Each value is a uint32 count (little-endian; 1 except in a list of different values),
// an unsigned varint size and a cell (stream/data/collection.h). Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "stream/data/column.h"

namespace leat::exec {

struct ListSlot {
  int64_t size;      // bytes
  int64_t capacity;  // of which may be written in place; 0: the bytes are somebody else's
  const char* bytes;

  std::string_view view() const { return {bytes, static_cast<size_t>(size)}; }
};

enum class ListKeeps : uint8_t { kAll, kDifferent, kFirst, kLast };

void AddToList(std::string_view cell, ListKeeps keeps, char* slot, data::TextArena& texts);
// Takes back the first value that is equal; false if there is none.
bool TakeFromList(std::string_view cell, char* slot, data::TextArena& texts);
// Adds the values of `from` behind those of `into`.
void MergeLists(const char* from, ListKeeps keeps, char* into, data::TextArena& texts);
// visit(cell, count), in the order in which the values came.
void VisitList(const char* slot, const std::function<void(std::string_view cell, uint32_t count)>& visit);

// The results of the functions, appended to a column of their type.
void AppendListAgg(const char* slot, std::string_view separator, data::Column* column);
void AppendArrayAgg(const char* slot, data::Column* column);
void AppendCollect(const char* slot, bool distinct, data::Column* column);
void AppendJsonArray(const char* slot, data::Column* column);
void AppendJsonObject(const char* slot, data::Column* column);
void AppendOneOf(const char* slot, ListKeeps which, data::Column* column);  // kFirst or kLast

// Whether a JSON object in the list, each of one name, has the name that `text`, of the same form, has.
bool HasJsonName(const char* slot, std::string_view text);

}  // namespace leat::exec
