// The reference of functions and connector options, made from the tables that the analyser itself reads.
#pragma once

#include <string>

namespace leat::sql {

// docs/sql-functions.md; a test compares the committed file with it.
std::string RenderReference();

}  // namespace leat::sql
