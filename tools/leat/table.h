// A table for people: columns aligned, numbers to the right. Pure.
#pragma once

#include <string>
#include <vector>

namespace leat::tool {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void Add(std::vector<std::string> cells);  // REQUIRES: as many cells as columns
  bool empty() const { return rows_.empty(); }
  // The header and the rows, each line ended; control characters are shown as '?'. No blanks at the end of a line.
  std::string Render() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

inline Table::Column Left(std::string title) { return {std::move(title), Table::Align::kLeft}; }
inline Table::Column Right(std::string title) { return {std::move(title), Table::Align::kRight}; }

}  // namespace leat::tool
