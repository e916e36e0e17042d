package io.github.vlm4j.backend.tornado.device;

/**
 * A part of a heap.
 *
 * @param kind the heap
 * @param at the first element
 * @param count the number of elements
 */
record Region(HeapKind kind, int at, int count) {}
