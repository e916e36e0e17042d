package io.github.vlm4j.search;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.function.Predicate;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.util.Bits;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.FixedBitSet;
import org.jspecify.annotations.Nullable;

/** What an index held when it was opened, to compare the files that there are now with. */
final class IndexedPictures implements Closeable {

  /** How a file stands to the index. */
  enum State {
    /** The index does not know it. */
    NEW,
    /** It has been written since. */
    CHANGED,
    /** Its vector is in the index. */
    UNCHANGED,
    /** It could not be read, and has not been written since. */
    BROKEN
  }

  private final DirectoryReader reader;
  private final FixedBitSet seen;
  private final @Nullable TermsEnum[] names;

  IndexedPictures(DirectoryReader reader) throws IOException {
    this.reader = reader;
    seen = new FixedBitSet(Math.max(1, reader.maxDoc()));
    List<LeafReaderContext> leaves = reader.leaves();
    names = new @Nullable TermsEnum[leaves.size()];
    for (int i = 0; i < names.length; i++) {
      Terms terms = leaves.get(i).reader().terms(PictureFields.NAME);
      names[i] = terms == null ? null : terms.iterator();
    }
  }

  boolean isEmpty() {
    return reader.numDocs() == 0;
  }

  /** Compares a file with its entry, which from then on counts as seen. */
  State compare(PictureFile file) throws IOException {
    BytesRef key = new BytesRef(file.name());
    for (int i = 0; i < names.length; i++) {
      TermsEnum terms = names[i];
      if (terms == null || !terms.seekExact(key)) {
        continue;
      }
      LeafReaderContext leaf = reader.leaves().get(i);
      int document = live(terms, leaf.reader());
      if (document != PostingsEnum.NO_MORE_DOCS) {
        seen.set(leaf.docBase + document);
        return compare(file, leaf.reader(), document);
      }
    }
    return State.NEW;
  }

  private static State compare(PictureFile file, LeafReader leaf, int document) throws IOException {
    if (number(leaf, PictureFields.SIZE, document) != file.size()
        || number(leaf, PictureFields.MODIFIED, document) != file.modified()) {
      return State.CHANGED;
    }
    return number(leaf, PictureFields.BROKEN, document) == 0 ? State.UNCHANGED : State.BROKEN;
  }

  private static long number(LeafReader leaf, String field, int document) throws IOException {
    NumericDocValues values = DocValues.getNumeric(leaf, field);
    return values.advanceExact(document) ? values.longValue() : -1;
  }

  private static int live(TermsEnum terms, LeafReader leaf) throws IOException {
    Bits live = leaf.getLiveDocs();
    PostingsEnum postings = terms.postings(null, PostingsEnum.NONE);
    int document = postings.nextDoc();
    while (document != PostingsEnum.NO_MORE_DOCS && live != null && !live.get(document)) {
      document = postings.nextDoc();
    }
    return document;
  }

  /** Passes on the names of entries that were not seen, and counts those taken. */
  long forUnseen(Predicate<String> taken) throws IOException {
    long count = 0;
    for (LeafReaderContext leaf : reader.leaves()) {
      Terms terms = leaf.reader().terms(PictureFields.NAME);
      TermsEnum each = terms == null ? TermsEnum.EMPTY : terms.iterator();
      for (BytesRef name = each.next(); name != null; name = each.next()) {
        int document = live(each, leaf.reader());
        if (document != PostingsEnum.NO_MORE_DOCS
            && !seen.get(leaf.docBase + document)
            && taken.test(name.utf8ToString())) {
          count++;
        }
      }
    }
    return count;
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
