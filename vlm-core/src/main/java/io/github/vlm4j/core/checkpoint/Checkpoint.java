package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The weights of a model: one safetensors file, or several that an index lists. Everything is
 * validated on opening; data is mapped, never copied.
 *
 * <p>Immutable and safe for use by several threads. {@link #close} unmaps all files, after which
 * every access to a tensor throws {@link IllegalStateException}.
 */
public final class Checkpoint implements AutoCloseable {

  /** The weights of a model in one file. */
  public static final String SINGLE_FILE = "model.safetensors";

  /** The list of the shards of a model in several files. */
  public static final String INDEX_FILE = "model.safetensors.index.json";

  private static final String EXTENSION = ".safetensors";
  private static final int MAX_FILES_NAMED = 5;

  private final Path path;
  private final List<SafetensorsFile> files;
  private final Map<String, SafetensorsFile> fileOf;

  private Checkpoint(Path path, List<SafetensorsFile> files, Map<String, SafetensorsFile> fileOf) {
    this.path = path;
    this.files = List.copyOf(files);
    this.fileOf = Collections.unmodifiableMap(fileOf);
  }

  /**
   * Opens the weights of a model folder, or one file.
   *
   * @param path a folder with {@value #SINGLE_FILE} or {@value #INDEX_FILE}, or a {@code
   *     .safetensors} file of any name
   * @throws CheckpointException if there are no weights, if it is not clear which to take, or if a
   *     file is missing, malformed or contradicts the index
   */
  public static Checkpoint open(Path path) {
    if (!Files.isDirectory(path)) {
      if (Files.exists(path) && !ModelFiles.name(path).endsWith(EXTENSION)) {
        throw new CheckpointException(
            path + " is neither a model folder nor a " + EXTENSION + " file");
      }
      return single(path, path);
    }
    Path single = path.resolve(SINGLE_FILE);
    Path index = path.resolve(INDEX_FILE);
    // A link that leads nowhere counts as present, so that the error is about the link.
    boolean hasSingle = Files.exists(single) || Files.isSymbolicLink(single);
    boolean hasIndex = Files.exists(index) || Files.isSymbolicLink(index);
    if (hasIndex) {
      ShardIndex shards = ShardIndex.read(index);
      // Some converters write an index beside a single file; it then lists that file.
      if (hasSingle && !shards.shards().contains(SINGLE_FILE)) {
        throw new CheckpointException(
            path
                + " holds both "
                + SINGLE_FILE
                + " and "
                + INDEX_FILE
                + ", which lists other files; remove one of the two");
      }
      return sharded(path, shards);
    }
    if (hasSingle) {
      return single(path, single);
    }
    throw new CheckpointException(
        path
            + " holds no weights: looked for "
            + SINGLE_FILE
            + " and "
            + INDEX_FILE
            + ", found "
            + weightsIn(path));
  }

  private static Checkpoint single(Path path, Path file) {
    SafetensorsFile opened = SafetensorsFile.open(file);
    Map<String, SafetensorsFile> fileOf = new LinkedHashMap<>();
    opened.names().forEach(name -> fileOf.put(name, opened));
    return new Checkpoint(path, List.of(opened), fileOf);
  }

  private static Checkpoint sharded(Path folder, ShardIndex index) {
    List<SafetensorsFile> files = new ArrayList<>();
    boolean opened = false;
    try {
      Map<String, SafetensorsFile> fileOf = new LinkedHashMap<>();
      for (String shard : index.shards()) {
        files.add(SafetensorsFile.open(folder.resolve(shard)));
      }
      for (SafetensorsFile file : files) {
        index.requireAgreement(file);
        file.names().stream().filter(index::lists).forEach(name -> fileOf.put(name, file));
      }
      opened = true;
      return new Checkpoint(folder, files, fileOf);
    } finally {
      if (!opened) {
        files.forEach(SafetensorsFile::close);
      }
    }
  }

  private static String weightsIn(Path folder) {
    List<String> found = new ArrayList<>();
    try (DirectoryStream<Path> entries =
        Files.newDirectoryStream(folder, "*.{safetensors,bin,pt,pth,gguf}")) {
      for (Path entry : entries) {
        found.add(Excerpt.of(ModelFiles.name(entry)));
      }
    } catch (IOException e) {
      return "that the folder " + StrictJson.problem(e);
    }
    if (found.isEmpty()) {
      return "neither";
    }
    Collections.sort(found);
    String named = String.join(", ", found.subList(0, Math.min(MAX_FILES_NAMED, found.size())));
    String more = found.size() > MAX_FILES_NAMED ? " and others" : "";
    boolean usable = found.stream().anyMatch(name -> name.endsWith(EXTENSION));
    return "only "
        + named
        + more
        + (usable
            ? "; give the path of a " + EXTENSION + " file itself to open it"
            : "; convert the model to safetensors");
  }

  /** Returns the folder or file as it was given to {@link #open}. */
  public Path path() {
    return path;
  }

  /** Returns the files, shards in the order of their names. */
  public List<Path> files() {
    return files.stream().map(SafetensorsFile::path).toList();
  }

  /** Returns the names of all tensors, file by file in the order of their bytes. */
  public Set<String> names() {
    return fileOf.keySet();
  }

  /** Returns whether there is a tensor of this name, of whatever type. */
  public boolean contains(String name) {
    return fileOf.containsKey(name);
  }

  /**
   * Returns a tensor's shape, without touching its data.
   *
   * @throws CheckpointException if there is no such tensor
   */
  public Shape shape(String name) {
    return file(name).shape(name);
  }

  /**
   * Returns a tensor's element type, without touching its data.
   *
   * @throws CheckpointException if there is no such tensor or its type is not supported
   */
  public DType dtype(String name) {
    return file(name).dtype(name);
  }

  /**
   * Returns the format's own name of a tensor's element type, supported or not, as {@code F8_E4M3}.
   *
   * @throws CheckpointException if there is no such tensor
   */
  public String storedType(String name) {
    return file(name).storedType(name);
  }

  /**
   * Returns the bytes that a tensor takes.
   *
   * @throws CheckpointException if there is no such tensor
   */
  public long bytes(String name) {
    return file(name).bytes(name);
  }

  /** Returns the bytes that the tensors of all files take. */
  public long totalBytes() {
    return files.stream().mapToLong(SafetensorsFile::totalBytes).sum();
  }

  /**
   * Returns a read-only view of a tensor in the mapped file. It need not be aligned to its
   * elements.
   *
   * @throws CheckpointException if there is no such tensor or its type is not supported
   * @throws IllegalStateException if this checkpoint has been closed
   */
  public Tensor tensor(String name) {
    return file(name).tensor(name);
  }

  /** Returns a tensor's name, type, shape and file, for messages about it. */
  public String describe(String name) {
    SafetensorsFile file = fileOf.get(name);
    return file == null
        ? Excerpt.quoted(name) + " (not in " + ModelFiles.name(path) + ")"
        : file.describe(name);
  }

  /** Unmaps all files; a second call does nothing. */
  @Override
  public void close() {
    files.forEach(SafetensorsFile::close);
  }

  private SafetensorsFile file(String name) {
    SafetensorsFile file = fileOf.get(name);
    if (file == null) {
      throw new CheckpointException(
          "Tensor "
              + Excerpt.quoted(name)
              + " is missing from "
              + path
              + ", which holds "
              + fileOf.size()
              + " tensors in "
              + files.size()
              + (files.size() == 1 ? " file" : " files"));
    }
    return file;
  }
}
