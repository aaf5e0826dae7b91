package modelmapreducejob;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.BlockLocation;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapred.FileSplit;
import org.apache.hadoop.mapred.InputSplit;
import org.apache.hadoop.mapred.JobConf;

/**
 * Splits that a list names: each line has a first byte, a length and a file, with spaces between them, and
 * an empty line ends a split. A task gets the very bytes of its ranges, which are no text.
 */
final class NamedRanges {
  /** The list's file; without it Hadoop makes the splits. */
  static final String LIST = "modelmapreducejob.ranges";

  private NamedRanges() {}

  static InputSplit[] splits(JobConf job) throws IOException {
    Path list = new Path(job.get(LIST));
    List<InputSplit> made = new ArrayList<>();
    List<FileSplit> ranges = new ArrayList<>();
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(
        list.getFileSystem(job).open(list), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.isEmpty()) {
          made.add(SmallFiles.combined(job, ranges, hosts(job, longest(ranges))));
          ranges.clear();
        } else {
          String[] words = line.split(" ", 3);
          ranges.add(new FileSplit(
              new Path(words[2]), Long.parseLong(words[0]), Long.parseLong(words[1]), new String[0]));
        }
      }
    }
    return made.toArray(new InputSplit[0]);
  }

  private static FileSplit longest(List<FileSplit> ranges) {
    FileSplit longest = ranges.get(0);
    for (FileSplit range : ranges) {
      longest = range.getLength() > longest.getLength() ? range : longest;
    }
    return longest;
  }

  /** Returns the hosts that have a range's first byte. */
  private static String[] hosts(JobConf job, FileSplit range) throws IOException {
    FileSystem filesystem = range.getPath().getFileSystem(job);
    BlockLocation[] found = filesystem.getFileBlockLocations(range.getPath(), range.getStart(), 1);
    return found == null || found.length == 0 ? new String[0] : found[0].getHosts();
  }
}
