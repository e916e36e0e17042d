package io.github.vlm4j.core.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.github.vlm4j.core.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The {@code weight_map} of a sharded checkpoint: which tensor lies in which file. Every file name
 * in it is a plain name, so that no index can reach outside its folder.
 */
final class ShardIndex {

  /** The largest known (some 150,000 tensors) has about 15 MB. */
  private static final int MAX_BYTES = 64 << 20;

  private static final int MAX_TENSORS = 1 << 19;

  private final String file;
  private final String extension;
  private final Map<String, String> shardOf = new HashMap<>();
  private final Map<String, List<String>> namesByShard = new TreeMap<>();

  private ShardIndex(String file, String extension) {
    this.file = file;
    this.extension = extension;
  }

  /**
   * Reads an index.
   *
   * @param extension what the names of all files that it lists end with
   * @throws CheckpointException if it is missing or malformed, lists no tensor or one twice, or
   *     names a file by more than a plain name
   */
  static ShardIndex read(Path path, String extension) {
    ModelFiles.requireRegular(path);
    ShardIndex index = new ShardIndex(ModelFiles.name(path), extension);
    try {
      long size = Files.size(path);
      if (size > MAX_BYTES) {
        throw new CheckpointException(
            index.file + " has " + size + " bytes, but at most " + MAX_BYTES + " are read");
      }
      try (JsonParser parser =
          StrictJson.factory(MAX_BYTES).createParser(StrictJson.utf8(Files.newInputStream(path)))) {
        index.document(parser);
      }
    } catch (IOException e) {
      throw new CheckpointException(index.file + " " + StrictJson.problem(e), e);
    }
    return index;
  }

  private void document(JsonParser parser) throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw new CheckpointException(
          file + " must hold a JSON object, but holds " + StrictJson.found(parser));
    }
    boolean seen = false;
    for (String name; (name = parser.nextFieldName()) != null; ) {
      parser.nextToken();
      if (!name.equals("weight_map")) {
        parser.skipChildren();
      } else if (seen) {
        throw new CheckpointException(file + ": weight_map occurs twice");
      } else {
        seen = true;
        weightMap(parser);
      }
    }
    if (parser.nextToken() != null) {
      throw new CheckpointException(
          file + " goes on after its closing brace with " + StrictJson.found(parser));
    }
    if (shardOf.isEmpty()) {
      throw new CheckpointException(
          file + (seen ? ": weight_map lists no tensors" : " has no field weight_map"));
    }
  }

  private void weightMap(JsonParser parser) throws IOException {
    if (!parser.hasToken(JsonToken.START_OBJECT)) {
      throw new CheckpointException(
          file + ": weight_map must be an object, got " + StrictJson.found(parser));
    }
    for (String name; (name = parser.nextFieldName()) != null; ) {
      if (parser.nextToken() != JsonToken.VALUE_STRING || !isPlainName(parser.getText())) {
        throw new CheckpointException(
            file
                + ": weight_map."
                + Excerpt.of(name)
                + " must be the plain name of a "
                + extension
                + " file beside the index, without a path, got "
                + StrictJson.found(parser));
      }
      if (shardOf.size() == MAX_TENSORS) {
        throw new CheckpointException(file + " lists more than " + MAX_TENSORS + " tensors");
      }
      String shard = parser.getText();
      List<String> names = namesByShard.computeIfAbsent(shard, _ -> new ArrayList<>());
      if (shardOf.put(name, shard) != null) {
        throw new CheckpointException(file + " lists tensor " + Excerpt.quoted(name) + " twice");
      }
      names.add(name);
    }
  }

  private boolean isPlainName(String shard) {
    if (!shard.endsWith(extension)
        || shard.chars().anyMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ')) {
      return false;
    }
    try {
      Path path = Path.of(shard);
      return !path.isAbsolute() && path.getNameCount() == 1 && path.normalize().equals(path);
    } catch (InvalidPathException _) {
      return false;
    }
  }

  /** Returns the names of the files, in order. */
  Set<String> shards() {
    return namesByShard.keySet();
  }

  /** Returns whether the tensor belongs to the model. */
  boolean lists(String name) {
    return shardOf.containsKey(name);
  }

  /**
   * Refuses a shard that lacks a tensor which the index places there, or that holds one which the
   * index places elsewhere. A tensor that the index does not list at all is not part of the model.
   */
  void requireAgreement(TensorFile shard) {
    String shardName = ModelFiles.name(shard.path());
    for (String name : namesByShard.getOrDefault(shardName, List.of())) {
      if (!shard.contains(name)) {
        throw new CheckpointException(
            file
                + " places tensor "
                + Excerpt.quoted(name)
                + " in "
                + shardName
                + ", which does not hold it");
      }
    }
    for (String name : shard.names()) {
      String listed = shardOf.get(name);
      if (listed != null && !listed.equals(shardName)) {
        throw new CheckpointException(
            "Tensor "
                + Excerpt.quoted(name)
                + " is in "
                + shardName
                + ", but "
                + file
                + " places it in "
                + Excerpt.of(listed)
                + ": a tensor may be in one file only");
      }
    }
  }
}
