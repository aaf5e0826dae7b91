package modelmapreducejob;

import java.io.EOFException;
import java.io.IOException;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.mapred.FileSplit;

/** The end of a bzip2 file: Hadoop takes one that is cut off between two blocks for a whole one. */
final class Bzip2End {
  private static final long MARK = 0x177245385090L;
  private static final int MARK_BITS = 48;
  private static final int SUM_BITS = 32;
  private static final int LOOKED_AT = 1 << 16;

  private Bzip2End() {}

  /** Raises EOFException if the file ends where the split does, and not as bzip2 ends one. */
  static void check(FSDataInputStream file, FileSplit split) throws IOException {
    long end = split.getStart() + split.getLength();
    byte[] tail = new byte[(int) Math.min(end, LOOKED_AT)];
    file.readFully(end - tail.length, tail);
    if (file.read(end, new byte[1], 0, 1) < 1 && !isWhole(tail)) {
      throw new EOFException("it is cut off");
    }
  }

  /** Returns whether bytes end in the mark, at any bit, a sum, and zeros that may fill up a file. */
  static boolean isWhole(byte[] tail) {
    long last = 0; // the last 48 bits, from the bit that is looked at on
    for (int bit = tail.length * 8 - 1; bit >= 0; bit--) {
      long one = tail[bit / 8] >> (7 - bit % 8) & 1;
      last = last >>> 1 | one << (MARK_BITS - 1);
      if (last == MARK && (bit + MARK_BITS + SUM_BITS + 7) / 8 <= tail.length) {
        return onlyZeros(tail, (bit + MARK_BITS + SUM_BITS + 7) / 8);
      }
    }
    return false;
  }

  private static boolean onlyZeros(byte[] bytes, int from) {
    for (int i = from; i < bytes.length; i++) {
      if (bytes[i] != 0) {
        return false;
      }
    }
    return true;
  }
}
