#include "tools/leat/input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"

namespace leat::tool {
namespace {

using testing::HasSubstr;

std::vector<absl::StatusOr<InputRecord>> ReadAll(const InputOptions& options, const std::vector<std::string>& lines) {
  InputReader reader(options);
  std::vector<absl::StatusOr<InputRecord>> all;
  const auto drain = [&] {
    while (auto next = reader.Next()) all.push_back(*std::move(next));
  };
  for (const std::string& line : lines) {
    reader.Feed(line);
    drain();
  }
  reader.Finish();
  drain();
  return all;
}

TEST(Input, TellsTheFormatByTheFilesName) {
  EXPECT_EQ(FormatOfFile("a/b.csv"), InputFormat::kCsv);
  EXPECT_EQ(FormatOfFile("b.json"), InputFormat::kJson);
  EXPECT_EQ(FormatOfFile("b.jsonl"), InputFormat::kJson);
  EXPECT_EQ(FormatOfFile("b.ndjson"), InputFormat::kJson);
  EXPECT_EQ(FormatOfFile("-"), InputFormat::kText);
  EXPECT_EQ(FormatOfFile("csv"), InputFormat::kText);
}

TEST(Input, MakesEveryLineOfTextAValue) {
  const auto records = ReadAll({}, {"one\n", "\n", "three\r\n", "four"});
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0]->value, "one");
  EXPECT_EQ(records[1]->value, "");
  EXPECT_EQ(records[2]->value, "three");
  EXPECT_EQ(records[3]->value, "four");
  EXPECT_EQ(records[3]->line, 4u);
  EXPECT_FALSE(records[0]->key.has_value());
}

TEST(Input, SplitsTheKeyOffAndMakesTombstones) {
  const auto records = ReadAll({.key_separator = "::", .null_value = "-"}, {"a::1::2\n", "b::-\n", "no key\n"});
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0]->key, "a");
  EXPECT_EQ(records[0]->value, "1::2");
  EXPECT_EQ(records[1]->key, "b");
  EXPECT_FALSE(records[1]->value.has_value());
  EXPECT_THAT(std::string(Message(records[2].status())), HasSubstr("3: expected KEY::VALUE"));
}

TEST(Input, ChecksEveryLineOfJson) {
  const auto records =
      ReadAll({.format = InputFormat::kJson}, {"{\"a\":1}\n", "\n", "{\"a\":}\n", "[1] [2]\n", "{\"a\":\n"});
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0]->value, "{\"a\":1}");
  EXPECT_THAT(std::string(Message(records[1].status())), HasSubstr("3: expected JSON"));
  EXPECT_THAT(std::string(Message(records[2].status())), HasSubstr("4: expected one JSON document a line"));
  EXPECT_THAT(std::string(Message(records[3].status())), HasSubstr("5: expected JSON"));
}

TEST(Input, TakesTheKeyFromAFieldOfJson) {
  const auto records = ReadAll({.format = InputFormat::kJson, .key_field = "k"},
                               {"{\"n\":{\"k\":\"inner\"},\"k\":\"a\\u00e9\"}\n", "{\"k\":12345678901234567890123}\n",
                                "{\"k\":null}\n", "{\"x\":1}\n", "{\"k\":[1]}\n", "3\n"});
  ASSERT_EQ(records.size(), 6u);
  EXPECT_EQ(records[0]->key, "a\xC3\xA9");
  EXPECT_EQ(records[1]->key, "12345678901234567890123");
  EXPECT_FALSE(records[2]->key.has_value());
  EXPECT_THAT(std::string(Message(records[3].status())), HasSubstr("no field 'k'"));
  EXPECT_THAT(std::string(Message(records[4].status())), HasSubstr("cannot be a key"));
  EXPECT_THAT(std::string(Message(records[5].status())), HasSubstr("expected an object"));
}

TEST(Input, MakesObjectsOfRows) {
  const auto records = ReadAll({.format = InputFormat::kCsv, .key_field = "card"},
                               {"\xEF\xBB\xBF,card,\"the name\"\n", "0,41,\"a \"\"b\"\"\n", "c\"\n", "1,42,\n"});
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0]->value, R"({"_c0":"0","card":"41","the name":"a \"b\"\nc"})");
  EXPECT_EQ(records[0]->key, "41");
  EXPECT_EQ(records[0]->line, 2u);
  EXPECT_EQ(records[1]->value, R"({"_c0":"1","card":"42","the name":""})");
  EXPECT_EQ(records[1]->line, 4u);
}

TEST(Input, InfersNumbersAndBooleansOnlyWhenTheyAreJsonToTheLetter) {
  const auto records = ReadAll({.format = InputFormat::kCsv, .infer_types = true},
                               {"a,b,c,d,e,f,g,h\n", "1,-2.50,true,007,1e5,,1 ,True\n"});
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0]->value, R"({"a":1,"b":-2.50,"c":true,"d":"007","e":1e5,"f":"","g":"1 ","h":"True"})");
}

TEST(Input, RefusesARowThatDoesNotFitTheHeader) {
  const auto records = ReadAll({.format = InputFormat::kCsv}, {"a,b\n", "1\n", "1,2\n", "1,\xFF\n"});
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(Message(records[0].status()), "2: expected 2 fields as in the header, got 1");
  EXPECT_TRUE(records[1].ok());
  EXPECT_THAT(std::string(Message(records[2].status())), HasSubstr("not UTF-8"));
}

TEST(Input, CannotGoOnWithoutAHeader) {
  const auto twice = ReadAll({.format = InputFormat::kCsv}, {"a,a\n"});
  ASSERT_EQ(twice.size(), 1u);
  EXPECT_TRUE(absl::IsFailedPrecondition(twice[0].status()));
  const auto no_key = ReadAll({.format = InputFormat::kCsv, .key_field = "id"}, {"a,b\n"});
  ASSERT_EQ(no_key.size(), 1u);
  EXPECT_TRUE(absl::IsFailedPrecondition(no_key[0].status()));
  EXPECT_THAT(std::string(Message(no_key[0].status())), HasSubstr("no column is called 'id'"));
}

}  // namespace
}  // namespace leat::tool
