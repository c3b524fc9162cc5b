// Boost.Asio's non-template parts, compiled once for the whole house.
#include <boost/asio/impl/src.hpp>
