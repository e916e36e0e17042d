package io.github.vlm4j.search;

import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.KnnFloatVectorField;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.jspecify.annotations.Nullable;

/** How a picture is written down in the index. */
final class PictureFields {

  /** The path below the folder that is indexed; the key. */
  static final String NAME = "name";

  static final String SIZE = "size";
  static final String MODIFIED = "modified";

  /** 1 for a file that could not be read, which is remembered without a vector; else 0. */
  static final String BROKEN = "broken";

  /** Of length 1. */
  static final String VECTOR = "vector";

  private PictureFields() {}

  static Document document(PictureFile file, float @Nullable [] vector) {
    Document document = new Document();
    document.add(new StringField(NAME, file.name(), Field.Store.YES));
    document.add(new NumericDocValuesField(SIZE, file.size()));
    document.add(new NumericDocValuesField(MODIFIED, file.modified()));
    document.add(new NumericDocValuesField(BROKEN, vector == null ? 1 : 0));
    if (vector != null) {
      document.add(new KnnFloatVectorField(VECTOR, vector, VectorSimilarityFunction.DOT_PRODUCT));
    }
    return document;
  }
}
