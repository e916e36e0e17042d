package io.github.vlm4j.search;

import java.nio.file.Path;

/**
 * A picture file as the index knows it.
 *
 * @param path where it is
 * @param name its path below the folder that is indexed, with {@code /} between the parts
 * @param size its bytes
 * @param modified when it was last written, in milliseconds since 1970
 */
record PictureFile(Path path, String name, long size, long modified) {}
