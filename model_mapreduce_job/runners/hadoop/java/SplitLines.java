package modelmapreducejob;

import java.io.Closeable;
import java.io.IOException;

/** The lines of one split of a file, as bytes in pieces that may end anywhere. */
interface SplitLines extends Closeable {
  /** Reads at most size of the next bytes into the buffer's start; returns how many, -1 after the last. */
  int read(byte[] buffer, int size) throws IOException;

  /** Returns the place in the file up to which it was read. */
  long position() throws IOException;
}
