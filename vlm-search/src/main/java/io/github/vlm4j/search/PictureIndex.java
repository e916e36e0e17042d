package io.github.vlm4j.search;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.ModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.search.FieldExistsQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.KnnFloatVectorQuery;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;

/**
 * An index of pictures, open for questions. It shows the state of the last commit when it was
 * opened, whatever is written meanwhile, and may be used by several threads.
 *
 * <p>Nearest vectors are found through Lucene's graph (HNSW: Malkov and Yashunin, "Efficient and
 * robust approximate nearest neighbor search using Hierarchical Navigable Small World graphs",
 * 2016), which looks at a small part of them. It may miss one; four times as many candidates as
 * asked for, and at least 256, are taken from it, so that this is rare, and an index of fewer
 * pictures than that is searched exactly.
 */
public final class PictureIndex implements AutoCloseable {

  /** The most pictures that can be asked for. */
  public static final int MAX_RESULTS = 1000;

  private static final int MIN_CANDIDATES = 256;
  private static final int CANDIDATES_PER_RESULT = 4;

  private final Path index;
  private final Directory directory;
  private final DirectoryReader reader;
  private final IndexMetadata metadata;

  private PictureIndex(
      Path index, Directory directory, DirectoryReader reader, IndexMetadata metadata) {
    this.index = index;
    this.directory = directory;
    this.reader = reader;
    this.metadata = metadata;
  }

  /**
   * Opens an index.
   *
   * @param index its folder
   * @throws InputException if there is none
   * @throws CheckpointException if it is damaged
   */
  public static PictureIndex open(Path index) {
    if (IndexFolder.metadata(index).isEmpty()) {
      throw new InputException(
          "There is no index of pictures in " + index + "; index a folder into it first.");
    }
    return IndexFailure.guard(
        index,
        () -> {
          Directory directory = FSDirectory.open(index);
          DirectoryReader reader = null;
          try {
            reader = DirectoryReader.open(directory);
            IndexMetadata metadata = IndexMetadata.of(index, reader.getIndexCommit().getUserData());
            return new PictureIndex(index, directory, reader, metadata);
          } catch (IOException | RuntimeException | Error failure) {
            try (directory) {
              if (reader != null) {
                reader.close();
              }
            }
            throw failure;
          }
        });
  }

  /**
   * Returns the model that an index was made with, without opening it.
   *
   * @return empty if there is no index, and one could be made there
   * @throws InputException if the place holds something else
   * @throws CheckpointException if the index is damaged
   */
  public static Optional<ModelIdentity> modelOf(Path index) {
    return IndexFolder.metadata(index).map(IndexMetadata::model);
  }

  /** Returns the model that it was made with. */
  public ModelIdentity model() {
    return metadata.model();
  }

  /** Returns the folder that it is of, absolute. */
  public Path folder() {
    return metadata.folder();
  }

  /**
   * Returns how many pictures can be found.
   *
   * @throws CheckpointException if the index is damaged
   */
  public int size() {
    return IndexFailure.guard(
        index, () -> searcher().count(new FieldExistsQuery(PictureFields.VECTOR)));
  }

  /**
   * Requires that vectors of a model can be compared with those in here.
   *
   * @throws InputException if they cannot; it names both models
   */
  public void requireModel(ModelIdentity other) {
    metadata.requireModel(index, other);
  }

  /**
   * Finds the pictures whose vectors are nearest to one, by their angles.
   *
   * @param vector of {@link ModelIdentity#dimension} numbers and any length but 0
   * @param count how many, 1 to {@link #MAX_RESULTS}
   * @return at most so many, the nearest first
   * @throws InputException if the count is out of range
   * @throws ModelException if the vector has another dimension or no direction
   * @throws CheckpointException if the index is damaged
   */
  public List<Match> nearest(float[] vector, int count) {
    if (count < 1 || count > MAX_RESULTS) {
      throw new InputException(
          "The number of pictures to find is " + count + "; choose 1 to " + MAX_RESULTS + ".");
    }
    float[] unit = UnitVector.of(vector, model());
    if (unit == null) {
      throw new ModelException(
          "The model " + model().source() + " made a vector without a direction of the question.");
    }
    int candidates = Math.max(MIN_CANDIDATES, CANDIDATES_PER_RESULT * count);
    return IndexFailure.guard(
        index,
        () -> {
          KnnFloatVectorQuery query =
              new KnnFloatVectorQuery(PictureFields.VECTOR, unit, candidates);
          List<Match> matches = new ArrayList<>();
          StoredFields stored = reader.storedFields();
          for (ScoreDoc found : searcher().search(query, count).scoreDocs) {
            matches.add(match(stored, found));
          }
          matches.sort(
              Comparator.comparingDouble((Match match) -> -match.score())
                  .thenComparing(Match::file));
          return List.copyOf(matches);
        });
  }

  private Match match(StoredFields stored, ScoreDoc found) throws IOException {
    String name = stored.document(found.doc, Set.of(PictureFields.NAME)).get(PictureFields.NAME);
    Path file = file(name == null ? "" : name);
    // Lucene's score is (1 + cosine) / 2, so that it is not negative.
    float cosine = Math.clamp(2 * found.score - 1, -1, 1);
    return new Match(file, cosine, !Files.isRegularFile(file));
  }

  private Path file(String name) {
    try {
      Path file = folder().resolve(name).normalize();
      if (!name.isEmpty() && file.startsWith(folder()) && !file.equals(folder())) {
        return file;
      }
    } catch (InvalidPathException _) {
      // As below.
    }
    throw IndexFailure.damaged(index, "it names a picture outside its folder");
  }

  private IndexSearcher searcher() {
    IndexSearcher searcher = new IndexSearcher(reader);
    searcher.setQueryCache(null);
    return searcher;
  }

  /** Closes the files. */
  @Override
  public void close() {
    IndexFailure.guard(
        index,
        () -> {
          try (directory) {
            reader.close();
          }
          return true;
        });
  }
}
