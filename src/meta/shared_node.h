// A piece of an immutable tree that its one editor may change in place. Images share their pieces; a change copies the
// pieces on its way once, and further changes by the same editor, before anybody else has a copy, cost no copies.
#pragma once

#include <memory>
#include <utility>

namespace leat::meta {

// Who may change pieces in place: compared by identity.
using Editor = std::shared_ptr<const char>;

// An image's own editor. Whoever is copied or moved loses it, and so does the copy: no two images ever have the same
// one, and what was published stays as it was. A slot without an editor is not written by a copy of it.
class EditorSlot {
 public:
  EditorSlot() = default;
  EditorSlot(const EditorSlot& other) { other.Drop(); }
  EditorSlot(EditorSlot&& other) noexcept { other.Drop(); }
  EditorSlot& operator=(const EditorSlot& other) {
    if (this != &other) other.Drop();
    Drop();
    return *this;
  }
  EditorSlot& operator=(EditorSlot&& other) noexcept { return *this = other; }
  const Editor& Get() {
    if (editor_ == nullptr) editor_ = std::make_shared<const char>();
    return editor_;
  }

 private:
  void Drop() const {
    if (editor_ != nullptr) editor_ = nullptr;
  }
  mutable Editor editor_;
};

template <typename T>
class SharedNode {
 public:
  const T& operator*() const {
    static const T kEmpty{};
    return piece_ == nullptr ? kEmpty : piece_->value;
  }
  const T* operator->() const { return &**this; }
  // REQUIRES: `editor` is not null, and every piece above this one was edited by it.
  T& Edit(const Editor& editor) {
    if (piece_ == nullptr || piece_->owner != editor) piece_ = std::make_shared<Piece>(Piece{**this, editor});
    return piece_->value;
  }

 private:
  struct Piece {
    T value{};
    Editor owner;
  };
  std::shared_ptr<Piece> piece_;  // null: empty
};

}  // namespace leat::meta
