package io.github.vlm4j.backend.tornado.device;

import java.util.Map;
import java.util.TreeMap;

/** Hands out parts of an array, each the lowest that is free; neighbours that are freed join. */
final class Heap {

  /** Parts begin at a multiple of this many elements. */
  static final int ALIGNMENT = 32;

  private final TreeMap<Integer, Integer> free = new TreeMap<>();
  private int capacity;

  /** Creates a heap of free elements. */
  Heap(int capacity) {
    this.capacity = capacity;
    free.put(0, capacity);
  }

  /** Returns the number of elements, free or not. */
  int capacity() {
    return capacity;
  }

  /** Returns where a part of that many elements begins, or -1 if none is free. */
  int take(int count) {
    int size = aligned(count);
    for (Map.Entry<Integer, Integer> entry : free.entrySet()) {
      if (entry.getValue() >= size) {
        return take(entry.getKey(), entry.getValue(), size);
      }
    }
    return -1;
  }

  private int take(int at, int room, int size) {
    free.remove(at);
    if (room > size) {
      free.put(at + size, room - size);
    }
    return at;
  }

  /** Takes a part back. */
  void release(int at, int count) {
    add(at, aligned(count));
  }

  /** Adds free elements at the end. */
  void grow(int larger) {
    add(capacity, larger - capacity);
    capacity = larger;
  }

  /** Returns the elements that a part of that many takes. */
  private static int aligned(int count) {
    return Math.ceilDiv(Math.max(1, count), ALIGNMENT) * ALIGNMENT;
  }

  private void add(int at, int count) {
    int from = at;
    int size = count;
    Map.Entry<Integer, Integer> before = free.lowerEntry(at);
    if (before != null && before.getKey() + before.getValue() == at) {
      from = before.getKey();
      size += before.getValue();
      free.remove(from);
    }
    Integer after = free.remove(at + count);
    if (after != null) {
      size += after;
    }
    free.put(from, size);
  }
}
