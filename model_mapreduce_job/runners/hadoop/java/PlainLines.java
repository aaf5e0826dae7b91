package modelmapreducejob;

import java.io.IOException;
import org.apache.hadoop.fs.FSDataInputStream;

/** The lines whose first byte is in [start, end) of a file; the last one may go on behind the end. */
final class PlainLines implements SplitLines {
  private final FSDataInputStream file;
  private final long end;
  private long position;
  private boolean inOthersLine; // a line that began before the start
  private boolean done;

  PlainLines(FSDataInputStream file, long start, long end) throws IOException {
    this.file = file;
    this.end = end;
    position = Math.max(0, start - 1); // a line feed there ends the other's line
    inOthersLine = start > 0;
    done = start >= end;
    file.seek(position);
  }

  @Override
  public int read(byte[] buffer, int size) throws IOException {
    while (!done) {
      int read = file.read(buffer, 0, size);
      if (read < 0) {
        break;
      }
      int from = 0;
      if (inOthersLine) {
        from = Newlines.first(buffer, 0, read) + 1;
        inOthersLine = from == 0;
        done = position + (inOthersLine ? read : from) >= end;
      }
      int to = inOthersLine || done ? from : lastOf(buffer, from, read);
      position += read;
      if (to > from) {
        System.arraycopy(buffer, from, buffer, 0, to - from);
        return to - from;
      }
    }
    return -1;
  }

  /** Returns up to where the bytes read are this split's. */
  private int lastOf(byte[] buffer, int from, int read) {
    if (position + read < end) {
      return read;
    }
    int newline = Newlines.first(buffer, (int) Math.max(from, end - 1 - position), read);
    done = newline >= 0;
    return done ? newline + 1 : read;
  }

  @Override
  public long position() {
    return position;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
