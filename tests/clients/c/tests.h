// What the program runs: each function is one test, which throws to fail.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace clients {

struct Test {
  std::string name;
  std::function<void()> run;
};

std::vector<Test> RecordTests();
std::vector<Test> OffsetTests();
std::vector<Test> AdminTests();
std::vector<Test> AdminGroupTests();
std::vector<Test> GroupTests();
std::vector<Test> TransactionTests();

}  // namespace clients
