#include "sql/lexer.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace leat::sql {

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordStart(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool IsWordPart(char c) { return IsWordStart(c) || IsDigit(c) || c == '$'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

constexpr std::array<std::string_view, 8> kLongSymbols = {"<>", "!=", "<=", ">=", "||", "=>", "::", "->"};
constexpr std::string_view kSymbols = "(),;.*+-/%=<>[]{}?:|^$";

class Scanner {
 public:
  Scanner(std::string_view script, const Diagnostics& diagnostics) : rest_(script), diagnostics_(diagnostics) {}

  absl::StatusOr<std::vector<Token>> Run() {
    while (true) {
      LEAT_RETURN_IF_ERROR(SkipBlanks());
      if (rest_.empty()) break;
      LEAT_RETURN_IF_ERROR(ScanToken());
    }
    Add(Token::Kind::kEnd, "", at_);
    return std::move(tokens_);
  }

 private:
  char Peek(size_t i = 0) const { return i < rest_.size() ? rest_[i] : '\0'; }
  // Moves over n bytes and counts lines and code points.
  void Advance(size_t n) {
    for (size_t i = 0; i < n; ++i) {
      const char c = rest_[i];
      if (c == '\n') {
        ++at_.line;
        at_.column = 1;
      } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
        ++at_.column;
      }
    }
    rest_.remove_prefix(n);
  }
  bool AtStatementStart() const {
    if (tokens_.empty()) return true;
    const Token& last = tokens_.back();
    return (last.kind == Token::Kind::kSymbol && last.text == ";") ||
           (last.kind == Token::Kind::kWord && EqualsIgnoreCase(last.text, "BEGIN"));
  }
  void Add(Token::Kind kind, std::string text, Position begin) {
    Token token{.kind = kind, .text = std::move(text), .begin = begin, .end = at_};
    token.starts_statement = AtStatementStart();
    tokens_.push_back(std::move(token));
  }

  absl::Status SkipBlanks() {
    while (!rest_.empty()) {
      if (IsSpace(Peek())) {
        Advance(1);
      } else if (rest_.starts_with("--")) {
        Advance(std::min(rest_.find('\n'), rest_.size()));
      } else if (rest_.starts_with("/*") && Peek(2) != '+') {
        const size_t end = rest_.find("*/", 2);
        if (end == std::string_view::npos) return diagnostics_.Error(at_, "the comment is not closed; expected */");
        Advance(end + 2);
      } else {
        break;
      }
    }
    return absl::OkStatus();
  }

  absl::Status ScanToken() {
    const char c = Peek();
    if (c == '\'') return ScanQuoted('\'', Token::Kind::kString);
    if (c == '`') return ScanQuoted('`', Token::Kind::kQuotedWord);
    if (c == '"') {
      return diagnostics_.Error(at_, "a string is written 'in single quotes' and a name in `backticks`, got \"");
    }
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return ScanNumber();
    if (IsWordStart(c)) return ScanWord();
    if (rest_.starts_with("/*+")) return ScanHint();
    return ScanSymbol();
  }

  absl::Status ScanQuoted(char quote, Token::Kind kind) {
    const Position begin = at_;
    std::string text;
    size_t i = 1;
    while (true) {
      if (i >= rest_.size()) {
        return diagnostics_.Error(begin, kind == Token::Kind::kString ? "the string" : "the name",
                                  " is not closed; expected ", std::string(1, quote));
      }
      if (rest_[i] == quote) {
        if (i + 1 >= rest_.size() || rest_[i + 1] != quote) break;
        ++i;
      }
      text += rest_[i++];
    }
    Advance(i + 1);
    if (kind == Token::Kind::kQuotedWord && text.empty()) return diagnostics_.Error(begin, "a name cannot be empty");
    Add(kind, std::move(text), begin);
    return absl::OkStatus();
  }

  absl::Status ScanNumber() {
    const Position begin = at_;
    size_t i = 0;
    while (IsDigit(Peek(i))) ++i;
    if (Peek(i) == '.') {
      ++i;
      while (IsDigit(Peek(i))) ++i;
    }
    if (Peek(i) == 'e' || Peek(i) == 'E') {
      const size_t sign = Peek(i + 1) == '+' || Peek(i + 1) == '-' ? 1 : 0;
      if (IsDigit(Peek(i + 1 + sign))) {
        i += 1 + sign;
        while (IsDigit(Peek(i))) ++i;
      }
    }
    if (IsWordPart(Peek(i))) {
      return diagnostics_.Error(begin, "'", rest_.substr(0, i + 1), "' is neither a number nor a name");
    }
    std::string text(rest_.substr(0, i));
    Advance(i);
    Add(Token::Kind::kNumber, std::move(text), begin);
    return absl::OkStatus();
  }

  absl::Status ScanWord() {
    const Position begin = at_;
    size_t i = 0;
    while (i < rest_.size() && IsWordPart(rest_[i])) ++i;
    std::string text(rest_.substr(0, i));
    const bool setting = AtStatementStart() && (EqualsIgnoreCase(text, "SET") || EqualsIgnoreCase(text, "RESET"));
    Advance(i);
    Add(Token::Kind::kWord, std::move(text), begin);
    if (setting) {
      LEAT_RETURN_IF_ERROR(SkipBlanks());
      if (!rest_.empty() && Peek() != '\'' && Peek() != ';') ScanBareSetting();
    }
    return absl::OkStatus();
  }

  // SET key = value, both without quotes: neither is SQL, so they are cut out as text up to the semicolon.
  void ScanBareSetting() {
    const auto trimmed = [](std::string_view text) {
      while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
      while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
      return text;
    };
    const std::string_view whole = rest_.substr(0, std::min(rest_.find(';'), rest_.find("--")));
    const size_t equals = whole.find('=');
    const std::string_view key = trimmed(whole.substr(0, equals));
    const Position begin = at_;
    std::string value;
    Advance(equals == std::string_view::npos ? whole.size() : equals);
    Add(Token::Kind::kString, std::string(key), begin);
    if (equals == std::string_view::npos) return;
    const Position middle = at_;
    std::string_view text = trimmed(whole.substr(equals + 1));
    if (text.size() >= 2 && text.front() == '\'' && text.back() == '\'') text = text.substr(1, text.size() - 2);
    value = text;
    Advance(1);
    Add(Token::Kind::kSymbol, "=", middle);
    const Position last = at_;
    Advance(whole.size() - equals - 1);
    Add(Token::Kind::kString, std::move(value), last);
  }

  absl::Status ScanHint() {
    const Position begin = at_;
    const size_t end = rest_.find("*/", 3);
    if (end == std::string_view::npos) return diagnostics_.Error(begin, "the hint is not closed; expected */");
    std::string text(rest_.substr(3, end - 3));
    Advance(end + 2);
    Add(Token::Kind::kHint, std::move(text), begin);
    return absl::OkStatus();
  }

  absl::Status ScanSymbol() {
    const Position begin = at_;
    std::string text(1, Peek());
    for (const std::string_view symbol : kLongSymbols) {
      if (rest_.starts_with(symbol)) text = symbol;
    }
    if (text.size() == 1 && kSymbols.find(text[0]) == std::string_view::npos) {
      const bool printable = text[0] > 0x20 && text[0] < 0x7f;
      return diagnostics_.Error(begin, "unexpected character ", printable ? text : std::string("that is no text"));
    }
    if (text == "(" && ++open_ > kMaxParentheses) {
      return diagnostics_.Error(begin, "more than ", kMaxParentheses, " open parentheses");
    }
    if (text == ")") open_ = std::max(open_ - 1, 0);
    if (text == ";") open_ = 0;
    Advance(text.size());
    Add(Token::Kind::kSymbol, std::move(text), begin);
    return absl::OkStatus();
  }

  std::string_view rest_;
  const Diagnostics& diagnostics_;
  Position at_{.line = 1, .column = 1};
  int open_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::string ToUpper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ToUpper(a) == ToUpper(b);
}

absl::StatusOr<std::vector<Token>> Tokenize(std::string_view script, const Diagnostics& diagnostics) {
  if (script.size() > kMaxScriptBytes) {
    return InvalidArgument("the script has ", script.size(), " bytes; at most ", kMaxScriptBytes, " are taken");
  }
  return Scanner(script, diagnostics).Run();
}

}  // namespace leat::sql
