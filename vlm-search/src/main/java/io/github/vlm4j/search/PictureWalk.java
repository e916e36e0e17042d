package io.github.vlm4j.search;

import io.github.vlm4j.core.InputException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Finds the picture files of a folder and the folders in it, one after the other, whatever their
 * number: only the folders that are still to be visited are kept in memory.
 *
 * <p>A file counts as a picture by its extension. Hidden files and folders are left out. Symbolic
 * links are followed, but each folder is visited once, by its own path if it has one below the
 * root, and a link to a folder around the root is not followed.
 */
final class PictureWalk implements Closeable {

  private static final Set<String> EXTENSIONS =
      Set.of("jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "dib", "tif", "tiff", "webp");

  /** Lucene's limit on a key, in bytes of UTF-8. */
  private static final int MAX_NAME_BYTES = 32_766;

  private final Path root;
  private final Path index;
  private final BiConsumer<Path, String> skipped;
  private final Deque<Path> folders = new ArrayDeque<>();
  private final Deque<Path> linkedFolders = new ArrayDeque<>();
  private final Set<Object> visited = new HashSet<>();
  private final Set<String> unread = new HashSet<>();
  private @Nullable DirectoryStream<Path> stream;
  private Iterator<Path> entries = List.<Path>of().iterator();
  private Path folder;

  /**
   * Begins a walk.
   *
   * @param root a folder, as {@link Path#toRealPath} gives it
   * @param index where the index is, which may be inside
   * @param skipped is told what cannot be read, and why
   */
  PictureWalk(Path root, Path index, BiConsumer<Path, String> skipped) {
    this.root = root;
    this.index = index;
    this.skipped = skipped;
    folder = root;
    folders.push(root);
  }

  /**
   * Returns the next picture; null if there is none.
   *
   * @throws InputException if the root itself cannot be read
   */
  @Nullable PictureFile next() {
    while (true) {
      try {
        while (entries.hasNext()) {
          PictureFile picture = look(entries.next());
          if (picture != null) {
            return picture;
          }
        }
      } catch (DirectoryIteratorException failed) {
        unreadable(folder, failed);
      }
      close();
      Path next = folders.isEmpty() ? linkedFolders.pollFirst() : folders.pop();
      if (next == null) {
        return null;
      }
      enter(next);
    }
  }

  /**
   * Returns whether it is not known what has become of a file, as a folder that it would be in
   * could not be read.
   */
  boolean isUnknown(String name) {
    String prefix = name;
    while (!prefix.isEmpty() && !unread.contains(prefix)) {
      prefix = prefix.substring(0, Math.max(0, prefix.lastIndexOf('/')));
    }
    return !prefix.isEmpty();
  }

  @SuppressWarnings("StreamResourceLeak") // Closed when the walk goes on or ends.
  private void enter(Path next) {
    try {
      BasicFileAttributes attributes = Files.readAttributes(next, BasicFileAttributes.class);
      Object key = Objects.requireNonNullElseGet(attributes.fileKey(), () -> realPath(next));
      if (!visited.add(key) || next.toRealPath().equals(index)) {
        return;
      }
      stream = Files.newDirectoryStream(next);
      entries = stream.iterator();
      folder = next;
    } catch (IOException failed) {
      unreadable(next, failed);
    }
  }

  private @Nullable PictureFile look(Path entry) {
    try {
      if (Files.isHidden(entry)) {
        return null;
      }
      BasicFileAttributes attributes = Files.readAttributes(entry, BasicFileAttributes.class);
      if (attributes.isDirectory()) {
        if (!Files.isSymbolicLink(entry)) {
          folders.push(entry);
        } else if (!root.startsWith(entry.toRealPath())) {
          linkedFolders.add(entry);
        }
        return null;
      }
      return attributes.isRegularFile() && isPicture(entry) ? picture(entry, attributes) : null;
    } catch (IOException failed) {
      if (!Files.isSymbolicLink(entry)) {
        unreadable(entry, failed);
      } else if (!isPicture(entry)) {
        // A folder on a disk that is not there now: its pictures come back with it.
        unread.add(name(entry));
      }
      return null;
    }
  }

  private @Nullable PictureFile picture(Path file, BasicFileAttributes attributes) {
    String name = name(file);
    if (!root.resolve(name).equals(file)
        || name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME_BYTES) {
      skipped.accept(file, "Its name cannot be kept as text; give it another one.");
      return null;
    }
    return new PictureFile(file, name, attributes.size(), attributes.lastModifiedTime().toMillis());
  }

  /** A file's path below the root, with the same separator everywhere. */
  private String name(Path file) {
    List<String> parts = new ArrayList<>();
    root.relativize(file).forEach(part -> parts.add(part.toString()));
    return String.join("/", parts);
  }

  private static boolean isPicture(Path file) {
    String name = String.valueOf(file.getFileName());
    return EXTENSIONS.contains(name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT));
  }

  private void unreadable(Path where, Exception failure) {
    if (where.equals(root)) {
      throw new InputException(
          "The folder " + root + " cannot be read (" + failure + "); check its permissions.",
          failure);
    }
    if (!(failure instanceof NoSuchFileException) && unread.add(name(where))) {
      skipped.accept(
          where, where.getFileName() + " cannot be read (" + failure + "); check its permissions.");
    }
  }

  private static Object realPath(Path folder) {
    try {
      return folder.toRealPath();
    } catch (IOException _) {
      return folder;
    }
  }

  /** Leaves the folder that is being read. */
  @Override
  public void close() {
    entries = List.<Path>of().iterator();
    try {
      if (stream != null) {
        stream.close();
      }
    } catch (IOException _) {
      // What was to be read from it has been read.
    }
    stream = null;
  }
}
