package io.github.vlm4j.search;

import java.nio.file.Path;

/**
 * A picture that was found.
 *
 * @param file where it was when it was indexed, absolute
 * @param score the cosine of the angle between its vector and the one asked for, -1 to 1
 * @param missing whether there is no such file any more
 */
public record Match(Path file, float score, boolean missing) {}
