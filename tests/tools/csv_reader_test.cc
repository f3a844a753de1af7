#include "tools/leat/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"

namespace leat::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Everything that the lines give, the end included.
std::vector<CsvReader::Row> ReadAll(const std::vector<std::string>& lines) {
  CsvReader reader;
  std::vector<CsvReader::Row> all;
  const auto add = [&](const absl::StatusOr<std::vector<CsvReader::Row>>& rows) {
    ASSERT_TRUE(rows.ok()) << rows.status();
    all.insert(all.end(), rows->begin(), rows->end());
  };
  for (const std::string& line : lines) add(reader.Feed(line));
  add(reader.Finish());
  return all;
}

TEST(CsvReader, SplitsFieldsAtCommas) {
  const auto rows = ReadAll({"a,b,,d\n"});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_THAT(rows[0].fields, ElementsAre("a", "b", "", "d"));
}

TEST(CsvReader, UnderstandsQuotesCommasAndDoubledQuotes) {
  const auto rows = ReadAll({"\"Rippin, Kub\",\"say \"\"hi\"\"\",\"\"\r\n"});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_THAT(rows[0].fields, ElementsAre("Rippin, Kub", "say \"hi\"", ""));
}

TEST(CsvReader, KeepsNewlinesInsideQuotesAndKnowsWhereTheRowBegan) {
  const auto rows = ReadAll({"x,y\n", "1,\"two\n", "\n", "lines\"\n", "3,4\n"});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_THAT(rows[1].fields, ElementsAre("1", "two\n\nlines"));
  EXPECT_EQ(rows[1].line, 2u);
  EXPECT_EQ(rows[2].line, 5u);
}

TEST(CsvReader, KeepsBlanksAroundFields) {
  const auto rows = ReadAll({" a , b\t\n"});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_THAT(rows[0].fields, ElementsAre(" a ", " b\t"));
}

TEST(CsvReader, SkipsEmptyLines) {
  const auto rows = ReadAll({"\n", "a\n", "\r\n", "b\n"});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].line, 4u);
}

TEST(CsvReader, ReadsTheLastRowWithoutItsNewline) {
  const auto rows = ReadAll({"a,b\n", "c,\"d\""});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_THAT(rows[1].fields, ElementsAre("c", "d"));
}

TEST(CsvReader, RefusesAQuoteInsideAFieldAndGoesOnWithTheNextLine) {
  CsvReader reader;
  ASSERT_TRUE(reader.Feed("a,b\n").ok());
  EXPECT_EQ(reader.Feed("1,x\"y\n").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(reader.line(), 2u);
  const auto next = reader.Feed("3,4\n");
  ASSERT_TRUE(next.ok());
  ASSERT_EQ(next->size(), 1u);
  EXPECT_THAT(next->front().fields, ElementsAre("3", "4"));
  EXPECT_EQ(next->front().line, 3u);
}

TEST(CsvReader, RefusesAQuoteThatStaysOpen) {
  CsvReader reader;
  EXPECT_THAT(*reader.Feed("\"a,b\n"), IsEmpty());
  const absl::Status status = reader.Finish().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(Message(status)), HasSubstr("inside quotes"));
  EXPECT_EQ(reader.line(), 1u);
}

TEST(CsvReader, RefusesARowBeyondTheLimit) {
  CsvReader reader;
  ASSERT_TRUE(reader.Feed("\"open\n").ok());
  absl::Status status;
  const std::string line = std::string(1 << 20, 'x') + "\n";
  for (int i = 0; i < 20 && status.ok(); ++i) status = reader.Feed(line).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace leat::tool
