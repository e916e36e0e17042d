package io.github.vlm4j.core.backend;

/**
 * A device that a backend can be opened on.
 *
 * @param id the short name by which it is chosen, such as {@code 0:1}
 * @param description what it is
 * @param memoryBytes the bytes of its memory
 */
public record BackendDevice(String id, String description, long memoryBytes) {}
