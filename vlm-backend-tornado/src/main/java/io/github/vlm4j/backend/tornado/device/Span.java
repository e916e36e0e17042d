package io.github.vlm4j.backend.tornado.device;

/**
 * Numbers that a launch reads or writes.
 *
 * @param place the first
 * @param count how many
 */
record Span(Place place, int count) {

  /** Returns whether some are the same; buffers that are bound to two states are apart. */
  boolean meets(Span other) {
    return place.state() == other.place.state()
        && place.offset() < other.place.offset() + other.count
        && other.place.offset() < place.offset() + count;
  }

  /** Returns whether the spans begin at the same number, or have none in common. */
  boolean isInPlaceOrApartFrom(Span other) {
    return place.equals(other.place) || !meets(other);
  }
}
