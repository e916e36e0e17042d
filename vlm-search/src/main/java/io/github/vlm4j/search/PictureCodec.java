package io.github.vlm4j.search;

import java.io.IOException;
import org.apache.lucene.codecs.Codec;
import org.apache.lucene.codecs.KnnVectorsFormat;
import org.apache.lucene.codecs.KnnVectorsReader;
import org.apache.lucene.codecs.KnnVectorsWriter;
import org.apache.lucene.codecs.lucene103.Lucene103Codec;
import org.apache.lucene.codecs.lucene99.Lucene99HnswVectorsFormat;
import org.apache.lucene.index.SegmentReadState;
import org.apache.lucene.index.SegmentWriteState;

/**
 * Lucene's own format for vectors and their graph, without its limit of 1,024 numbers, which is
 * only checked when a vector is added: some SigLIP and CLIP models make longer ones. The format's
 * name and bytes stay Lucene's, so its usual reader opens the index.
 */
final class PictureCodec {

  private PictureCodec() {}

  static Codec create() {
    KnnVectorsFormat vectors = new LongVectors();
    return new Lucene103Codec() {
      @Override
      public KnnVectorsFormat getKnnVectorsFormatForField(String field) {
        return vectors;
      }
    };
  }

  private static final class LongVectors extends KnnVectorsFormat {

    private final KnnVectorsFormat lucene;

    LongVectors() {
      this(new Lucene99HnswVectorsFormat());
    }

    private LongVectors(KnnVectorsFormat lucene) {
      super(lucene.getName());
      this.lucene = lucene;
    }

    @Override
    public KnnVectorsWriter fieldsWriter(SegmentWriteState state) throws IOException {
      return lucene.fieldsWriter(state);
    }

    @Override
    public KnnVectorsReader fieldsReader(SegmentReadState state) throws IOException {
      return lucene.fieldsReader(state);
    }

    @Override
    public int getMaxDimensions(String field) {
      return ModelIdentity.MAX_DIMENSION;
    }
  }
}
