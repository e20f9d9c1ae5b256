// How Catch prints a Result: its error's sentence.
#pragma once

#include "store/bytes/errc.h"

#include <catch2/catch.hpp>

namespace Catch {

template <class T>
struct StringMaker<boost::system::result<T, rollcall::store::Error>> {
  static std::string convert(const boost::system::result<T, rollcall::store::Error>& r) {
    return r ? "(a value)" : "error: " + r.error().detail;
  }
};

}  // namespace Catch
