// Upper and lower case of text as Java's String has them without a language: Unicode's simple mappings, those of one
// letter to several (ß to SS), and the sigma that ends a word. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace leat::exec {

void AppendUpperCase(std::string_view text, std::string* out);
void AppendLowerCase(std::string_view text, std::string* out);

}  // namespace leat::exec
