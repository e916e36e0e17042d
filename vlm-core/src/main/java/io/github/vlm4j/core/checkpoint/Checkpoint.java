package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The weights of a model: one file of safetensors, PyTorch or GGUF, or several that an index lists.
 * Everything is validated on opening; data is mapped, and copied only where a PyTorch file holds a
 * view whose elements do not lie one after the other.
 *
 * <p>Immutable and safe for use by several threads. {@link #close} unmaps all files, after which
 * every access to a tensor throws {@link IllegalStateException}.
 */
public final class Checkpoint implements AutoCloseable {

  /** The weights of a model in one file. */
  public static final String SINGLE_FILE = "model.safetensors";

  /** The list of the shards of a model in several files. */
  public static final String INDEX_FILE = "model.safetensors.index.json";

  private static final String PYTORCH_FILE = "pytorch_model.bin";
  private static final String PYTORCH_INDEX = "pytorch_model.bin.index.json";
  private static final String OPEN_CLIP = "open_clip_model.safetensors";
  private static final String OPEN_CLIP_PYTORCH = "open_clip_pytorch_model.bin";
  private static final int MAX_FILES_NAMED = 5;

  private final Path path;
  private final List<TensorFile> files;
  private final Map<String, TensorFile> fileOf;

  private Checkpoint(Path path, List<TensorFile> files, Map<String, TensorFile> fileOf) {
    this.path = path;
    this.files = List.copyOf(files);
    this.fileOf = Collections.unmodifiableMap(fileOf);
  }

  /**
   * Opens the weights of a model folder, or one file.
   *
   * <p>In a folder the first of these is taken: {@code model.safetensors} or the shards that {@code
   * model.safetensors.index.json} lists, {@code open_clip_model.safetensors}, {@code
   * pytorch_model.bin} or the shards that {@code pytorch_model.bin.index.json} lists, {@code
   * open_clip_pytorch_model.bin}, and at last a {@code .safetensors}, {@code .pt} or {@code .pth}
   * file of another name if it is the only one.
   *
   * @param path a folder, or a {@code .safetensors}, {@code .pt}, {@code .pth}, {@code .bin} or
   *     {@code .gguf} file of any name; tensors of the last have their GGUF names
   * @throws CheckpointException if there are no weights, if it is not clear which to take, or if a
   *     file is missing, malformed or contradicts the index
   * @see PyTorchFile
   */
  public static Checkpoint open(Path path) {
    if (Files.isDirectory(path)) {
      return folder(path);
    }
    if (Files.exists(path) && WeightFormat.of(path) == null) {
      throw new CheckpointException(
          path + " is neither a model folder nor a .safetensors, .pt, .pth, .bin or .gguf file");
    }
    return single(path, path);
  }

  /**
   * Returns opened GGUF files as one checkpoint, whose tensors are called otherwise than there.
   * Closing it closes them.
   *
   * @param path what the model is called in messages
   * @param files the files, of which no two may hold the same part of a model
   * @param names what a tensor is to be called, by its name in a file; empty leaves it out
   * @throws CheckpointException if two tensors would be called the same
   */
  public static Checkpoint renamed(
      Path path, List<GgufFile> files, Function<String, Optional<String>> names) {
    List<TensorFile> renamed = new ArrayList<>();
    Map<String, TensorFile> fileOf = new LinkedHashMap<>();
    for (GgufFile file : files) {
      RenamedFile view = new RenamedFile(file, names);
      renamed.add(view);
      for (String name : view.names()) {
        TensorFile other = fileOf.put(name, view);
        if (other != null) {
          throw new CheckpointException(
              view.describe(name) + " is in " + ModelFiles.name(other.path()) + ", too");
        }
      }
    }
    return new Checkpoint(path, renamed, fileOf);
  }

  /**
   * Returns whether there are weights at a path, so that {@link #open} has something to open; they
   * may still be damaged, or it may not be clear which to take.
   *
   * @param path as {@link #open} takes it
   */
  public static boolean isPresent(Path path) {
    return Files.isDirectory(path)
        ? has(path, INDEX_FILE)
            || has(path, PYTORCH_INDEX)
            || !list(path, "*.{safetensors,pt,pth,bin}").isEmpty()
        : Files.exists(path);
  }

  private static Checkpoint folder(Path path) {
    if (has(path, SINGLE_FILE) || has(path, INDEX_FILE)) {
      return published(path, SINGLE_FILE, INDEX_FILE, ".safetensors");
    }
    if (has(path, OPEN_CLIP)) {
      return single(path, path.resolve(OPEN_CLIP));
    }
    if (has(path, PYTORCH_FILE) || has(path, PYTORCH_INDEX)) {
      return published(path, PYTORCH_FILE, PYTORCH_INDEX, ".bin");
    }
    if (has(path, OPEN_CLIP_PYTORCH)) {
      return single(path, path.resolve(OPEN_CLIP_PYTORCH));
    }
    List<Path> others = list(path, "*.{safetensors,pt,pth}");
    if (others.size() == 1) {
      return single(path, others.getFirst());
    }
    throw new CheckpointException(
        path
            + " holds no weights: looked for "
            + String.join(
                ", ",
                SINGLE_FILE,
                INDEX_FILE,
                OPEN_CLIP,
                PYTORCH_FILE,
                PYTORCH_INDEX,
                OPEN_CLIP_PYTORCH)
            + " and a single .safetensors, .pt or .pth file, found "
            + weightsIn(path));
  }

  /** Opens what {@code save_pretrained} writes. */
  private static Checkpoint published(Path path, String single, String index, String extension) {
    if (!has(path, index)) {
      return single(path, path.resolve(single));
    }
    ShardIndex shards = ShardIndex.read(path.resolve(index), extension);
    // Some converters write an index beside a single file; it then lists that file.
    if (has(path, single) && !shards.shards().contains(single)) {
      throw new CheckpointException(
          path
              + " holds both "
              + single
              + " and "
              + index
              + ", which lists other files; remove one of the two");
    }
    return sharded(path, shards);
  }

  /** A link that leads nowhere counts as present, so that the error is about the link. */
  private static boolean has(Path folder, String name) {
    Path file = folder.resolve(name);
    return Files.exists(file) || Files.isSymbolicLink(file);
  }

  private static Checkpoint single(Path path, Path file) {
    TensorFile opened = TensorFile.open(file);
    Map<String, TensorFile> fileOf = new LinkedHashMap<>();
    opened.names().forEach(name -> fileOf.put(name, opened));
    return new Checkpoint(path, List.of(opened), fileOf);
  }

  private static Checkpoint sharded(Path folder, ShardIndex index) {
    List<TensorFile> files = new ArrayList<>();
    boolean opened = false;
    try {
      Map<String, TensorFile> fileOf = new LinkedHashMap<>();
      for (String shard : index.shards()) {
        files.add(TensorFile.openShard(folder.resolve(shard)));
      }
      for (TensorFile file : files) {
        index.requireAgreement(file);
        file.names().stream().filter(index::lists).forEach(name -> fileOf.put(name, file));
      }
      opened = true;
      return new Checkpoint(folder, files, fileOf);
    } finally {
      if (!opened) {
        files.forEach(TensorFile::close);
      }
    }
  }

  private static List<Path> list(Path folder, String glob) {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
      entries.forEach(found::add);
    } catch (IOException | DirectoryIteratorException e) {
      throw new CheckpointException("The folder " + folder + " cannot be read: " + e, e);
    }
    Collections.sort(found);
    return found;
  }

  private static String weightsIn(Path folder) {
    List<Path> found = list(folder, "*.{safetensors,bin,pt,pth,gguf}");
    if (found.isEmpty()) {
      return "none of them";
    }
    String named =
        found.stream()
            .limit(MAX_FILES_NAMED)
            .map(file -> Excerpt.of(ModelFiles.name(file)))
            .collect(Collectors.joining(", "));
    String more = found.size() > MAX_FILES_NAMED ? " and others" : "";
    return "only " + named + more + "; give the path of the file itself to open it";
  }

  /** Returns the folder or file as it was given to {@link #open}. */
  public Path path() {
    return path;
  }

  /** Returns the files, shards in the order of their names. */
  public List<Path> files() {
    return files.stream().map(TensorFile::path).toList();
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
    return files.stream().mapToLong(TensorFile::totalBytes).sum();
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
    TensorFile file = fileOf.get(name);
    return file == null
        ? Excerpt.quoted(name) + " (not in " + ModelFiles.name(path) + ")"
        : file.describe(name);
  }

  /** Unmaps all files; a second call does nothing. */
  @Override
  public void close() {
    files.forEach(TensorFile::close);
  }

  private TensorFile file(String name) {
    TensorFile file = fileOf.get(name);
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
