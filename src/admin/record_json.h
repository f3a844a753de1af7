// Keys and values of records in JSON answers. What a value is shows in the name of its field. Pure.
#pragma once

#include <string>
#include <string_view>

namespace leat::admin {

// "key":"..", or "key_base64":".." for one that is not UTF-8.
void AppendJsonKey(std::string_view key, std::string* out);
// The same under another name.
void AppendJsonText(std::string_view name, std::string_view bytes, std::string* out);
// "value":<the JSON that it is, on one line>, or "value_text":".." for what is no JSON, or "value_base64":".." for what
// is not UTF-8 either.
void AppendJsonValue(std::string_view value, std::string* out);

}  // namespace leat::admin
